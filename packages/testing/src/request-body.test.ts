import { Application, json } from '@allium/core'
import t from 'tap'

import { testClient } from './client-for-runner.ts'

function createApp(): Application {
  const app = new Application()
  app.post('/form', async request => {
    const form = await request.form()
    const file = form.getFile('file')
    return json({
      fields: form.getAll('tag'),
      file: file && { name: file.filename, type: file.contentType, text: await file.text() },
      length: request.contentLength,
    })
  })
  app.post('/raw', async request =>
    json({ type: request.contentType, length: request.contentLength, text: await request.text() }),
  )
  return app
}

t.test('a multipart form carries fields and files', async t => {
  const client = await testClient(t, createApp())
  const file = new File(['contents'], 'a.txt', { type: 'text/plain' })
  const response = await client.post('/form', { multipart: { tag: ['a', 2], file, none: undefined } })

  t.match(await response.json(), {
    fields: ['a', '2'],
    file: { name: 'a.txt', type: 'text/plain', text: 'contents' },
    length: Number,
  })
})

t.test('a FormData is a multipart form', async t => {
  const client = await testClient(t, createApp())
  const multipart = new FormData()
  multipart.append('tag', 'x')

  t.match(await client.post('/form', { multipart }).json(), { fields: ['x'] })
})

t.test('a Blob brings its type and its length', async t => {
  const client = await testClient(t, createApp())
  const body = new Blob(['blob'], { type: 'text/x' })

  t.same(await client.post('/raw', { body }).json(), { type: 'text/x', length: 4, text: 'blob' })
  t.match(await client.post('/raw', { body: new Blob(['x']) }).json(), { length: 1, text: 'x' })
})

t.test('a web stream is sent in chunks', async t => {
  const client = await testClient(t, createApp())
  const answer = await client.post('/raw', { body: new Blob(['stream']).stream() }).json()

  t.same(answer, { text: 'stream' })
})

t.test('there is one body', async t => {
  const client = await testClient(t, createApp())

  await t.rejects(
    client.post('/form', { multipart: {}, json: 1 }),
    new TypeError('Cannot send a request with both "json" and "multipart"'),
  )
})
