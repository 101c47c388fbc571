import {
  Application,
  createLogger,
  html,
  HttpForbidden,
  nodeHandler,
  nodeMiddleware,
  text,
} from '@allium/core'
import { testClient } from '@allium/testing'
import compression from 'compression'
import express from 'express'
import helmet from 'helmet'

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
