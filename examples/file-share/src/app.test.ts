import { existsSync, readdirSync } from 'node:fs'

import { createLogger } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient, TestResponse } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

import { createApp, shelf } from './app.ts'

function client(t: Test) {
  return testClient(t, createApp({ logger: createLogger('error') }))
}

/** Sends a form as a browser does. */
async function share(visitor: TestClient, fields: Record<string, string | Blob>): Promise<TestResponse> {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') data.append('comment', value)
    else data.append('file', value, name)
  }
  const encoded = new Response(data)
  return visitor.post('/files', {
    body: Buffer.from(await encoded.arrayBuffer()),
    headers: { 'content-type': encoded.headers.get('content-type')! },
  })
}

t.test('what is shared is listed, and downloaded under its name', async t => {
  const visitor = await client(t)

  const shared = await share(visitor, { 'notes.txt': new Blob(['all of it']) })
  const [file] = await shared.json<[{ id: string }]>()
  const download = await visitor.get(`/files/${file.id}`)

  t.equal(shared.status, 201)
  t.match(await (await visitor.get('/files')).json(), [{ name: 'notes.txt', size: 9 }])
  t.match(download.headers.get('content-disposition'), /attachment; filename="?notes\.txt"?/)
  t.equal(await download.text(), 'all of it')
})

t.test('a download goes on where it broke off', async t => {
  const visitor = await client(t)
  const shared = await share(visitor, { a: new Blob(['0123456789']) })
  const [file] = await shared.json<[{ id: string }]>()
  const etag = (await visitor.head(`/files/${file.id}`)).headers.get('etag')!

  const rest = await visitor.get(`/files/${file.id}`, { headers: { range: 'bytes=4-', 'if-range': etag } })

  t.equal(rest.status, 206)
  t.equal(rest.headers.get('content-range'), 'bytes 4-9/10')
  t.equal(await rest.text(), '456789')
})

t.test('a name never becomes a path', async t => {
  const visitor = await client(t)

  const shared = await share(visitor, { '../../etc/passwd': new Blob(['x']) })

  t.match(await shared.json(), [{ name: 'passwd' }])
  t.equal((await visitor.get('/files/..%2F..%2Fetc%2Fpasswd')).status, 404)
})

t.test('a form without a file is refused', async t => {
  const visitor = await client(t)

  t.equal((await share(visitor, { comment: 'no file' })).status, 400)
})

t.test('an upload that breaks off leaves nothing behind', async t => {
  const visitor = await client(t)
  const { directory } = visitor.app.state.get(shelf)
  const raw = visitor.connect()

  await raw.send('POST /files HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=x\r\n')
  await raw.send(
    'content-length: 1000\r\n\r\n--x\r\ncontent-disposition: form-data; name=file; filename=a\r\n\r\n',
  )
  await raw.send('half of')
  raw.destroy()
  await visitor.close()

  t.notOk(existsSync(directory) && readdirSync(directory).length > 0)
})

t.test('arrivals are announced, from the one on that a visitor has not heard of', async t => {
  const visitor = await client(t)
  await share(visitor, { first: new Blob(['1']) })
  await share(visitor, { second: new Blob(['2']) })
  const raw = visitor.connect()

  await raw.send('GET /arrivals HTTP/1.1\r\nhost: a\r\nlast-event-id: 1\r\n\r\n')
  await raw.receiveUntil('"name":"second"')
  await share(visitor, { third: new Blob(['3']) })

  t.match(await raw.receiveUntil('"name":"third"'), /id: 3\n/)
})

t.test('the page is served, with its script', async t => {
  const visitor = await client(t)

  t.match((await visitor.get('/')).headers.get('content-type'), /^text\/html/)
  t.match((await visitor.get('/app.js')).headers.get('content-type'), /javascript/)
})
