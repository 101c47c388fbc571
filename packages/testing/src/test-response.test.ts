import { once } from 'node:events'
import { text as readText } from 'node:stream/consumers'

import { Application, json, Response, text } from '@allium/core'
import type { Request } from '@allium/core'
import t from 'tap'

import { testClient } from './client-for-runner.ts'

/** Answers with these very bytes, and nothing after them until the client leaves. */
function answering(bytes: string) {
  const app = new Application()
  app.get('/', async (request: Request) => {
    request.raw.socket.write(bytes)
    await once(request.signal, 'abort')
    return text('nobody reads this')
  })
  return app
}

t.test('the body may be read again, in any form', async t => {
  const app = new Application()
  app.get('/', () => json({ a: 'ä' }))
  const response = await (await testClient(t, app)).get('/')

  t.same(await response.json(), { a: 'ä' })
  t.equal(await response.text(), '{"a":"ä"}')
  t.equal((await response.bytes()).length, 10)
  t.match(response.headers.get('Content-Type'), /^application\/json/)
  t.ok(response.rawHeaders.includes('content-type'))
})

t.test('a body that is not JSON is shown', async t => {
  const app = new Application()
  app.get('/', () => text('oops'))
  app.get('/long', () => text('x'.repeat(300)))
  const client = await testClient(t, app)

  const name = 'Cannot parse the body of GET http://localhost'
  await t.rejects((await client.get('/')).json(), new SyntaxError(`${name}/ as JSON: 200 "oops"`))
  await t.rejects((await client.get('/long')).json(), {
    message: `${name}/long as JSON: 200 "${'x'.repeat(200)} …"`,
  })
})

t.test('a body that was read as a stream is not read again', async t => {
  const app = new Application()
  app.get('/', () => text('hello'))
  const response = await (await testClient(t, app)).get('/')

  t.equal(await readText(response.body), 'hello')
  await t.rejects(
    response.text(),
    new TypeError('Cannot read the body of GET http://localhost/: it was read as a stream'),
  )
})

t.test('a body that does not end fails after the timeout', async t => {
  const client = await testClient(t, answering('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello'))
  const response = await client.get('/', { timeout: 100 })

  await t.rejects(response.text(), {
    name: 'TimeoutError',
    message: 'The body of GET http://localhost/ did not end within 100 ms',
  })
})

t.test('a body that breaks off is an error, also for one who reads late', async t => {
  const app = new Application()
  app.get('/', async ({ raw }) => {
    raw.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello', () => raw.socket.destroy())
    return text('nobody reads this')
  })
  const response = await (await testClient(t, app)).get('/')
  await new Promise(resolve => setTimeout(resolve, 5))

  await t.rejects(response.text(), { code: 'ECONNRESET' })
  await t.rejects(readText(response.body), { code: 'ECONNRESET' })
})

t.test('what is no event stream has no events', async t => {
  const app = new Application()
  app.get('/text', () => text('hello'))
  app.get('/empty', () => new Response(null))
  const client = await testClient(t, app)

  await t.rejects(client.events('/text'), {
    name: 'TypeError',
    message: 'Cannot read events of GET http://localhost/text: it is 200, text/plain; charset=utf-8',
  })
  await t.rejects(client.events('/empty'), { message: /it is 200, without a type$/ })
})

t.test('hints that come before and trailers that come after are there', async t => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n'
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n'
  const client = await testClient(t, answering(`${hints}${head}1\r\na\r\n0\r\nx-sum: 7\r\n\r\n`))
  const response = await client.get('/')

  t.equal(await response.text(), 'a')
  t.equal(response.trailers.get('x-sum'), '7')
  t.equal(response.informational.length, 1)
  t.equal(response.informational[0]!.status, 103)
  t.equal(response.informational[0]!.headers.get('link'), '</a.css>')
})

t.test('where no body can be there is nothing to wait for', async t => {
  for (const head of [
    '204 No Content',
    '304 Not Modified\r\ncontent-length: 5',
    '200 OK\r\ncontent-length: 0',
  ]) {
    const client = await testClient(t, answering(`HTTP/1.1 ${head}\r\n\r\n`))
    const response = await client.get('/')

    t.equal(await response.text(), '', head)
    t.equal(await readText(response.body), '')
  }
})
