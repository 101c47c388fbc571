import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import { Application, empty, json, redirect, Response, text } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

const MIB = 1024 * 1024
const HEAD = 'Host: localhost\r\n'
const context = new AsyncLocalStorage<string>()

function createApp() {
  const app = new Application({ bodyLimit: Infinity })
  const sockets = new Set<Socket>()
  app.use((request, next) => {
    sockets.add(request.raw.socket)
    return next(request)
  })

  app.get('/', () =>
    text('hello', {
      headers: [
        ['x-twice', 'a'],
        ['x-twice', 'b'],
      ],
    }),
  )
  app.post('/', () => empty())
  app.get('/big', () => new Response(Buffer.alloc(16 * MIB, 'x')))
  app.post('/echo', async request => new Response(await request.bytes()))
  app.get('/context', async () => text(String(context.getStore())))
  app.get('/sign-in', () => {
    const response = redirect('/who', 303)
    response.cookies.set('user', 'ada', { path: '/', httpOnly: true, secure: true })
    return response
  })
  app.get('/who', request => json(request.cookies))
  app.get('/cut', request => {
    request.raw.socket.destroy()
    return empty()
  })
  return { app, sockets }
}

for (const transport of ['memory', 'tcp', 'unix'] as const) {
  t.test(`over ${transport}`, async t => {
    t.test('status, reason, headers and body arrive', async t => {
      const client = await testClient(t, createApp().app, { transport })
      const response = await client.get('/')

      t.same([response.status, response.statusText, response.ok], [200, 'OK', true])
      t.equal(response.headers.get('content-length'), '5')
      t.equal(response.headers.get('x-twice'), 'a, b')
      t.equal(response.url, `${client.origin}/`)
      t.equal(await response.text(), 'hello')
    })

    t.test('HEAD, 404, 405 and OPTIONS are answered', async t => {
      const client = await testClient(t, createApp().app, { transport })
      const [head, missing, wrong, options] = await Promise.all([
        client.head('/'),
        client.get('/nowhere'),
        client.delete('/'),
        client.options('/'),
      ])

      t.same([head.status, await head.text(), head.headers.get('content-length')], [200, '', '5'])
      t.equal(missing.status, 404)
      t.same([wrong.status, wrong.headers.get('allow')], [405, options.headers.get('allow')])
    })

    t.test('five requests share one connection', async t => {
      const { app, sockets } = createApp()
      const client = await testClient(t, app, { transport })
      for (let n = 0; n < 5; n++) await (await client.get('/')).text()

      t.equal(sockets.size, 1)
    })

    t.test('a response without a body gives its connection back by itself', async t => {
      const { app, sockets } = createApp()
      const client = await testClient(t, app, { transport })
      for (let n = 0; n < 3; n++) {
        t.equal((await client.post('/')).status, 204)
        await delay(1)
      }

      t.equal(sockets.size, 1)
    })

    t.test('cookies are kept, and redirects followed on request', async t => {
      const client = await testClient(t, createApp().app, { transport })
      const manual = await client.get('/sign-in')
      const followed = await client.get('/sign-in', { follow: true })

      t.same([manual.status, manual.headers.get('location')], [303, '/who'])
      t.same([followed.status, await followed.json()], [200, { user: 'ada' }])
      t.equal(client.cookies.get('user'), 'ada')
    })

    t.test('a client that leaves is seen by the handler', async t => {
      const { app } = createApp()
      const aborted = new Promise(resolve => {
        app.get('/hang', async request => {
          await once(request.signal, 'abort')
          resolve(request.signal.reason)
          return empty()
        })
      })
      const client = await testClient(t, app, { transport })
      const leaving = new AbortController()
      const sent = client.get('/hang', { signal: leaving.signal })
      setTimeout(() => leaving.abort(), 20)

      await t.rejects(sent, { name: 'AbortError' })
      t.match(await aborted, { abortCause: 'client gone' })
    })

    t.test('a server that cuts the connection is seen by the client', async t => {
      const client = await testClient(t, createApp().app, { transport })

      await t.rejects(client.get('/cut'), { code: 'ECONNRESET', message: 'GET /cut failed: socket hang up' })
    })

    t.test('a client that reads late holds the server back', async t => {
      const { app, sockets } = createApp()
      const client = await testClient(t, app, { transport })
      const response = await client.get('/big')
      await delay(50)
      const [socket] = sockets
      const waiting = socket!.writableLength
      let bytes = 0
      for await (const chunk of response.body) bytes += (chunk as Buffer).length

      t.ok(waiting > 0, `${waiting} bytes are waiting`)
      t.equal(bytes, 16 * MIB)
    })

    t.test('a handler that reads late holds the client back', async t => {
      const { app } = createApp()
      let produced = 0
      let before = 0
      app.post('/late', async request => {
        await delay(50)
        before = produced
        return text(String((await request.bytes()).length))
      })
      const client = await testClient(t, app, { transport })
      async function* produce() {
        for (; produced < 256; produced++) yield Buffer.alloc(64 * 1024)
      }
      const response = await client.post('/late', { body: produce() })

      t.equal(await response.text(), String(16 * MIB))
      t.ok(before < 256, `held back after ${before} of 256 pieces`)
    })

    t.test('4 MiB go there and come back', async t => {
      const client = await testClient(t, createApp().app, { transport })
      const body = Buffer.alloc(4 * MIB, 'abcdefg')
      const response = await client.post('/echo', { body })

      t.ok(body.equals(await response.bytes()))
    })

    t.test('a body is sent when the server wants it', async t => {
      const client = await testClient(t, createApp().app, { transport })
      const response = await client.post('/echo', { body: 'wanted', headers: { expect: '100-continue' } })

      t.same(
        response.informational.map(({ status }) => status),
        [100],
      )
      t.equal(await response.text(), 'wanted')
    })

    t.test('malformed bytes are answered with 400, a large head with 431', async t => {
      const client = await testClient(t, createApp().app, { transport })
      const malformed = client.connect()
      await malformed.send('nonsense\r\n\r\n')
      const large = client.connect()
      await large.send(`GET / HTTP/1.1\r\n${HEAD}x: ${'x'.repeat(20_000)}\r\n\r\n`)

      t.match(await malformed.receive(), /^HTTP\/1\.1 400 Bad Request\r\n/)
      t.match(await large.receive(), /^HTTP\/1\.1 431 /)
      t.equal(await malformed.closed, 'ended')
    })

    t.test('pipelined requests are answered in order', async t => {
      const { app } = createApp()
      app.get('/slow', async () => text(`/slow${await delay(20, '')}`))
      const connection = (await testClient(t, app, { transport })).connect()
      const paths = ['/slow', '/', '/who']
      await connection.send(paths.map(path => `GET ${path} HTTP/1.1\r\n${HEAD}\r\n`).join(''))

      t.match(await connection.receiveUntil('\r\n\r\n/slow'), /^HTTP\/1\.1 200 OK/)
      t.match(await connection.receiveUntil('hello'), /^HTTP\/1\.1 200 OK/)
      t.match(await connection.receiveUntil('{}'), /^HTTP\/1\.1 200 OK/)
    })

    t.test('a client that has ended its direction has left', async t => {
      const { app } = createApp()
      app.get('/slow', async request => {
        await once(request.signal, 'abort')
        return text('nobody reads this')
      })
      const connection = (await testClient(t, app, { transport })).connect()
      connection.end(`GET /slow HTTP/1.1\r\n${HEAD}\r\n`)

      t.equal(await connection.receive(), '')
      t.equal(await connection.closed, 'ended')
    })

    t.test('the context of the test does not enter the handler', async t => {
      const client = await testClient(t, createApp().app, { transport })
      const response = await context.run('of the test', () => client.get('/context'))

      t.equal(await response.text(), 'undefined')
    })

    t.test('a body that nobody reads does not hold the end up', async t => {
      const { app } = createApp()
      const client = await testClient(t, app, { transport })
      await client.get('/big')
      const start = performance.now()
      await client.close()

      t.ok(performance.now() - start < 2500, 'before the runner would cut it')
    })
  })
}
