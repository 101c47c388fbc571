import { Application, text } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

overEachTransport('the head of a request', (t, transport) => {
  t.test('two Host fields, a bad one, or none are refused (P35)', async t => {
    const app = new Application()
    app.get('/', () => text('served'))
    const client = await testClient(t, app, { transport })
    const statusOf = async (head: string) => {
      const raw = client.connect()
      await raw.send(`GET / ${head}\r\n\r\n`)
      return (await raw.receiveUntil('\r\n')).split(' ')[1]
    }

    t.equal(await statusOf('HTTP/1.1\r\nHost: a\r\nHost: b'), '400')
    t.equal(await statusOf('HTTP/1.1\r\nHost: a@b'), '400')
    t.equal(await statusOf('HTTP/1.1'), '400')
    t.equal(await statusOf('HTTP/1.0'), '200')
    t.equal(await statusOf('HTTP/1.1\r\nHost: a\r\nExpect: magic'), '417')
    t.equal(await statusOf('HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: magic'), '417')
    t.equal(await statusOf(`HTTP/1.1\r\nHost: a\r\n${'x: y\r\n'.repeat(200)}z: 1`), '431')
  })

  t.test('every form of request target has an answer (P7)', async t => {
    const app = new Application()
    app.get('/x', ({ host }) => text(host))
    const client = await testClient(t, app, { transport })
    const firstLine = async (requestLine: string) => {
      const raw = client.connect()
      await raw.send(`${requestLine} HTTP/1.1\r\nHost: a\r\n\r\n`)
      return (await raw.receiveUntil('\r\n')).trim()
    }

    t.equal(await firstLine('GET http://b.example/x'), 'HTTP/1.1 200 OK')
    t.equal(await firstLine('GET http://b@d/x'), 'HTTP/1.1 400 Bad Request')
    t.equal(await firstLine('OPTIONS *'), 'HTTP/1.1 204 No Content')
    t.equal(await firstLine('GET *'), 'HTTP/1.1 400 Bad Request')
    t.equal(await firstLine('CONNECT a:80'), 'HTTP/1.1 501 Not Implemented')
    t.equal(await firstLine('GET /a\\b'), 'HTTP/1.1 400 Bad Request')
    t.equal(await firstLine('GET //x'), 'HTTP/1.1 404 Not Found')
  })

  t.test('malformed heads and framing are refused, and the connection closes (P1)', async t => {
    const app = new Application()
    app.post('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport })
    const answer = async (bytes: string) => {
      const raw = client.connect()
      await raw.send(bytes)
      return (await raw.receive()).slice(9, 12)
    }

    t.equal(await answer('NONSENSE\r\n\r\n'), '400')
    t.equal(
      await answer(
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
      '400',
    )
    t.equal(await answer('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'), '400')
    t.equal(await answer(`GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`), '431')
  })
})

t.test('Application', async t => {
  t.test('tells OPTIONS * what its routes answer (RFC 9110 §9.3.7)', async t => {
    const allowed = async (app: Application) => {
      const raw = (await testClient(t, app)).connect()
      await raw.send('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')
      return /allow: (.*)\r\n/.exec(await raw.receiveUntil('\r\n\r\n'))?.[1]
    }
    const [reading, writing, anything] = [new Application(), new Application(), new Application()]
    reading.get('/', () => text(''))
    writing.put('/', () => text(''))
    anything.any('/', () => text(''))

    t.equal(await allowed(reading), 'GET, HEAD, OPTIONS')
    t.equal(await allowed(writing), 'OPTIONS, PUT')
    t.match(await allowed(anything), /DELETE, GET, .*PATCH, POST/)
  })
})
