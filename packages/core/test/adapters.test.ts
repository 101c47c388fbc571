import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import {
  Application,
  createLogger,
  fetchHandler,
  HttpForbidden,
  html,
  json,
  nodeHandler,
  nodeMiddleware,
  Response,
  text,
} from '@allium/core'
import { testClient } from '@allium/testing'
import compression from 'compression'
import express from 'express'
import helmet from 'helmet'
import { Hono } from 'hono'
import t from 'tap'
import type { Test } from 'tap'

import { overEachTransport } from './transports.ts'

function quietApp(): { app: Application; lines: string[] } {
  const lines: string[] = []
  return { app: new Application({ logger: createLogger('error', line => lines.push(line)) }), lines }
}

overEachTransport('nodeHandler', (t, transport) => {
  t.test('sends what is written to the response by the rules of any other', async t => {
    const app = new Application()
    app.onResponsePrepare.add((_request, response) => response.headers.set('x-prepared', 'yes'))
    app.use(async (request, next) => {
      const response = await next(request)
      response.headers.set('x-outer', String(response.status))
      return response
    })
    app.get(
      '/',
      nodeHandler((request, response) => {
        response.setHeader('Set-Cookie', ['a=1', 'b=2'])
        response.writeHead(201, 'Made', { 'X-Path': request.url })
        response.write('one ')
        response.end('two')
      }),
    )
    const client = await testClient(t, app, { transport })

    const response = await client.get('/?q=1')

    t.same([response.status, await response.text()], [201, 'one two'])
    t.same(response.headers.getSetCookie(), ['a=1', 'b=2'])
    t.same(
      ['x-path', 'x-prepared', 'x-outer', 'content-type'].map(name => response.headers.get(name)),
      ['/?q=1', 'yes', '201', null],
    )
  })

  t.test('knows the length of a body that comes all at once, and none where there is no body', async t => {
    const app = new Application()
    app.get(
      '/text',
      nodeHandler((_request, response) => response.end('é')),
    )
    app.get(
      '/bytes',
      nodeHandler((_request, response) => response.end(Buffer.from('abc'))),
    )
    app.get(
      '/empty',
      nodeHandler((_request, response) => response.end()),
    )
    app.get(
      '/none',
      nodeHandler((_request, response) => response.writeHead(204, ['x-a', '1']).end()),
    )
    const client = await testClient(t, app, { transport })
    const lengthOf = async (path: string) => (await client.get(path)).headers.get('content-length')

    t.same(
      [await lengthOf('/text'), await lengthOf('/bytes'), await lengthOf('/empty'), await lengthOf('/none')],
      ['2', '3', '0', null],
    )
  })

  t.test('calls back, and emits what a response emits', async t => {
    const events: string[] = []
    const app = new Application()
    app.get(
      '/',
      nodeHandler((_request, response) => {
        response.on('finish', () => events.push('finish')).on('close', () => events.push('close'))
        response.flushHeaders()
        response.write('a', () => events.push('written'))
        response.end('b', 'utf8', () => events.push('ended'))
        response.end(() => events.push('ended again'))
      }),
    )
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'ab')
    t.same(events.sort(), ['close', 'ended', 'ended again', 'finish', 'written'])
  })

  t.test(
    'throws into the onion what the handler throws or passes to next, and 404 for a bare next()',
    async t => {
      const { app } = quietApp()
      app.onError(HttpForbidden, () => html('<h1>No</h1>', { status: 403 }))
      app.get(
        '/throws',
        nodeHandler(() => {
          throw new HttpForbidden()
        }),
      )
      app.get(
        '/rejects',
        nodeHandler(() => Promise.reject(new HttpForbidden())),
      )
      app.get(
        '/next',
        nodeHandler((_request, _response, next) => next(new HttpForbidden())),
      )
      app.get(
        '/bare',
        nodeHandler((_request, _response, next) => next()),
      )
      const client = await testClient(t, app, { transport })

      for (const path of ['/throws', '/rejects', '/next']) t.equal((await client.get(path)).status, 403, path)
      t.equal((await client.get('/bare')).status, 404)
    },
  )

  t.test('cuts the connection when the handler fails after its head', async t => {
    const { app } = quietApp()
    app.get(
      '/',
      nodeHandler(async (_request, response) => {
        response.write('half')
        await new Promise(resolve => setImmediate(resolve))
        throw new Error('lost')
      }),
    )
    const client = await testClient(t, app, { transport })

    await t.rejects(client.get('/').then(response => response.text()))
  })

  t.test('counts the body that the handler reads (P20), and has the client send it', async t => {
    const app = new Application({ bodyLimit: 1000 })
    app.post(
      '/',
      nodeHandler((request, response) => {
        let length = 0
        request.on('data', (chunk: Buffer) => (length += chunk.length))
        request.on('end', () => response.end(String(length)))
      }),
    )
    const client = await testClient(t, app, { transport })
    const chunked = async function* (size: number) {
      for (let sent = 0; sent < size; sent += 100) yield Buffer.alloc(100)
    }

    t.equal(await (await client.post('/', { body: 'x'.repeat(1000) })).text(), '1000')
    t.equal((await client.post('/', { body: 'x'.repeat(1001) })).status, 413)
    t.equal((await client.post('/', { body: chunked(1100) })).status, 413)
    const raw = client.connect()
    await raw.send('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n')
    await raw.receiveUntil('HTTP/1.1 100 Continue\r\n\r\n')
    await raw.send('ok')
    t.match(await raw.receiveUntil('\r\n\r\n2'), /200 OK/)
  })

  t.test('tells the handler that the client has gone', async t => {
    const app = new Application()
    const closed = new Promise<void>(resolve => {
      app.get(
        '/',
        nodeHandler((_request, response) => {
          response.on('close', resolve)
        }),
      )
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await new Promise(resolve => setTimeout(resolve, 20))
    connection.destroy()

    await t.resolves(closed)
  })

  t.test('refuses to inject a header: a clean 500 (P15)', async t => {
    const { app } = quietApp()
    app.get(
      '/',
      nodeHandler((_request, response) => {
        response.setHeader('x', 'a\r\nset-cookie: b')
        response.end('never')
      }),
    )
    app.get(
      '/status',
      nodeHandler((_request, response) => response.writeHead(199).end()),
    )
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/')).status, 500)
    t.equal((await client.get('/status')).status, 500)
  })

  t.test('runs an Express application', async t => {
    const inner = express()
    inner.use(express.json())
    inner.get('/legacy/:name', (request, response) => {
      response.cookie('seen', 'yes').json({ hello: request.params.name })
    })
    inner.post('/legacy/echo', (request, response) => void response.status(201).send(request.body))
    inner.get('/legacy-redirect', (_request, response) => response.redirect('/elsewhere'))
    const app = new Application()
    app.any('/*', nodeHandler(inner))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/legacy/ada')
    t.same(await response.json(), { hello: 'ada' })
    t.match(response.headers.getSetCookie(), [/^seen=yes/])
    const posted = await client.post('/legacy/echo', { json: { a: 1 } })
    t.same([posted.status, await posted.json()], [201, { a: 1 }])
    t.equal((await client.get('/legacy-redirect')).headers.get('location'), '/elsewhere')
    t.equal((await client.get('/legacy-nowhere')).status, 404)
  })
})

overEachTransport('nodeMiddleware', (t, transport) => {
  t.test('puts the headers of helmet on every answer, errors included', async t => {
    const app = new Application()
    app.use(nodeMiddleware(helmet()))
    app.get('/', () => text('hello', { headers: { 'x-frame-options': 'DENY' } }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(await response.text(), 'hello')
    t.match(response.headers.get('content-security-policy'), /default-src 'self'/)
    t.equal(response.headers.get('x-frame-options'), 'DENY', 'what the handler has set stays')
    t.ok((await client.get('/nowhere')).headers.has('strict-transport-security'))
  })

  t.test('may answer by itself, add cookies, or throw', async t => {
    const { app } = quietApp()
    app.use(
      nodeMiddleware((request, response, next) => {
        response.appendHeader('set-cookie', 'outer=1')
        if (request.url === '/closed') response.writeHead(503).end('closed')
        else next(request.url === '/forbidden' ? new HttpForbidden() : undefined)
      }),
    )
    app.get('/*', () => {
      const response = text('open')
      response.headers.append('set-cookie', 'inner=2')
      return response
    })
    const client = await testClient(t, app, { transport })

    t.same((await client.get('/a')).headers.getSetCookie(), ['inner=2', 'outer=1'])
    t.equal(await (await client.get('/closed')).text(), 'closed')
    t.equal((await client.get('/forbidden')).status, 403)
  })

  t.test('lets a handler of Express be wrapped by middlewares that patch the response', async t => {
    const inner = express()
    inner.use(compression({ threshold: 0 }))
    inner.get('/', (_request, response) => void response.type('text').send('squeeze me '.repeat(100)))
    const app = new Application()
    app.get('/', nodeHandler(inner))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/', { headers: { 'accept-encoding': 'gzip' } })

    t.equal(response.headers.get('content-encoding'), 'gzip')
    t.ok((await response.bytes()).length < 200)
  })
})

overEachTransport('fetchHandler', (t, transport) => {
  t.test('hands over the request and sends the answer', async t => {
    const app = new Application()
    app.any(
      '/*',
      fetchHandler(async request => {
        const body = await request.text()
        return globalThis.Response.json({
          method: request.method,
          url: request.url,
          kind: request.headers.get('x-kind'),
          body,
        })
      }),
    )
    const client = await testClient(t, app, { transport })

    const response = await client.post('/a?b=c', { body: 'hello', headers: { 'x-kind': 'test' } })

    t.match(await response.json(), { method: 'POST', url: /\/a\?b=c$/, kind: 'test', body: 'hello' })
    t.match(await (await client.get('/')).json(), { method: 'GET', body: '' })
    t.match(await (await client.post('/')).json(), { method: 'POST', body: '' })
  })

  t.test('reads no more than the body limit', async t => {
    const { app } = quietApp()
    app.post(
      '/',
      fetchHandler(async request => new globalThis.Response(await request.text())),
      { bodyLimit: 10 },
    )
    const client = await testClient(t, app, { transport })

    t.equal((await client.post('/', { body: 'x'.repeat(11) })).status, 413)
  })

  t.test('runs a Hono application', async t => {
    const inner = new Hono()
    inner.get('/users/:id', context => context.json({ id: context.req.param('id') }))
    inner.post('/echo', async context => context.text(await context.req.text(), 201))
    const app = new Application()
    app.any(
      '/*',
      fetchHandler(request => inner.fetch(request)),
    )
    const client = await testClient(t, app, { transport })

    t.same(await (await client.get('/users/7')).json(), { id: '7' })
    const posted = await client.post('/echo', { body: 'said' })
    t.same([posted.status, await posted.text()], [201, 'said'])
    t.equal((await client.get('/nowhere')).status, 404)
  })
})

async function listen(t: Test, listener: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise(resolve => server.on('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function started(t: Test): Promise<Application> {
  const app = new Application()
  app.get('/', () => text('hello'))
  app.get('/stream', () => new Response(new Blob(['str', 'eam']).stream()))
  app.post('/echo', async request => json(await request.json()))
  await app.startup()
  t.teardown(() => app.cleanup())
  return app
}

t.test('nodeListener', async t => {
  t.test("serves from a server of Node's", async t => {
    const app = await started(t)
    const url = await listen(t, app.nodeListener())

    t.equal(await (await fetch(url)).text(), 'hello')
    t.equal(await (await fetch(`${url}/stream`)).text(), 'stream')
    t.equal((await fetch(`${url}/nowhere`)).status, 404)
    const sent = await fetch(`${url}/echo`, {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    })
    t.same(await sent.json(), { a: 1 })
  })

  t.test('serves inside an Express application', async t => {
    const app = await started(t)
    const outer = express()
    outer.get('/', (_request, response) => void response.send('outer'))
    outer.use('/inner', app.nodeListener())
    const url = await listen(t, outer)

    t.equal(await (await fetch(url)).text(), 'outer')
    t.equal(await (await fetch(`${url}/inner/`)).text(), 'hello')
  })
})

t.test('app.fetch', async t => {
  t.test('answers a Fetch request with a Fetch response', async t => {
    const app = await started(t)

    const response = await app.fetch(new Request('http://example.com/'))

    t.ok(response instanceof globalThis.Response)
    t.same([response.status, await response.text()], [200, 'hello'])
    t.equal(await (await app.fetch(new Request('http://example.com/stream'))).text(), 'stream')
    t.equal((await app.fetch(new Request('http://example.com/', { method: 'HEAD' }))).status, 200)
    t.equal((await app.fetch(new Request('http://example.com/', { method: 'OPTIONS' }))).status, 204)
  })

  t.test('sends the body, as text or as a stream, under the same limits as from a network', async t => {
    const app = await started(t)
    const post = (body: string | ReadableStream) => {
      const headers = { 'content-type': 'application/json', host: 'other.example' }
      const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, headers, duplex: 'half' }
      return app.fetch(new Request('http://example.com/echo', init))
    }

    t.same(await (await post('{"a":1}')).json(), { a: 1 })
    t.same(await (await post(new Blob(['{"a":', '2}']).stream())).json(), { a: 2 })
    t.equal((await post('x'.repeat(2 * 1024 * 1024))).status, 413)
  })

  t.test('ends with its AbortSignal, and with a body that fails', async t => {
    const app = new Application()
    app.any('/', async request => {
      await request.app.clock.delay(60_000, { signal: request.signal }).catch(() => {})
      return text('late')
    })
    await app.startup()
    t.teardown(() => app.cleanup())
    const abort = new AbortController()
    const pending = app.fetch(new Request('http://example.com/', { signal: abort.signal }))
    setTimeout(() => abort.abort(new Error('enough')), 20)

    await t.rejects(pending, { message: 'enough' })
    await t.rejects(
      app.fetch(new Request('http://example.com/', { signal: AbortSignal.abort(new Error('at once')) })),
      {
        message: 'at once',
      },
    )
    const failing = new ReadableStream({ pull: controller => controller.error(new Error('source gone')) })
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body: failing, duplex: 'half' }
    await t.rejects(app.fetch(new Request('http://example.com/', init)))
  })

  t.test('needs an application that was started', async t => {
    const app = new Application()
    await t.rejects(app.fetch(new Request('http://example.com/')), { code: 'ERR_APP_NOT_STARTED' })
  })
})
