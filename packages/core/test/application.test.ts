import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  AppKey,
  Application,
  AppRunner,
  createLogger,
  empty,
  get,
  group,
  html,
  HttpError,
  HttpForbidden,
  HttpNotFound,
  HttpServiceUnavailable,
  json,
  post,
  redirect,
  RequestKey,
  Response,
  RouteKey,
  text,
  UsageError,
  View,
} from '@allium/core'
import type { Middleware, Request } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

const silent = createLogger('error', () => {})

/** A middleware that leaves its mark on every response that passes it. */
function mark(name: string): Middleware {
  return async (request, next) => {
    const response = await next(request)
    response.headers.append('x-passed', name)
    return response
  }
}

for (const transport of ['memory', 'tcp'] as const) {
  t.test(`over ${transport}`, t => {
    t.test(
      'the first middleware is the outermost, those of a mount lie within, those of a route innermost',
      async t => {
        const app = new Application({ middlewares: [mark('one'), mark('two')] })
        const admin = new Application({ middlewares: [mark('admin')] })
        admin.get('/users', () => text('users'), { middlewares: [mark('route')] })
        app.mount('/admin', admin)
        const client = await testClient(t, app, { transport })

        const response = await client.get('/admin/users')

        t.equal(response.headers.get('x-passed'), 'route, admin, two, one')
      },
    )

    t.test('404, 405, OPTIONS and refused targets pass the middlewares (P11)', async t => {
      const app = new Application({ middlewares: [mark('app')] })
      app.post('/notes', () => text('made'))
      const client = await testClient(t, app, { transport })
      const passed = async (method: string, path: string) => {
        const response = await client.request(method, path)
        return `${response.status} ${response.headers.get('x-passed')} ${response.headers.get('allow')}`
      }

      t.equal(await passed('GET', '/nowhere'), '404 app null')
      t.equal(await passed('GET', '/notes'), '405 app OPTIONS, POST')
      t.equal(await passed('OPTIONS', '/notes'), '204 app OPTIONS, POST')
      t.equal(await passed('GET', '/a%zz'), '400 app null')
      t.equal(await passed('GET', '/a%00b'), '400 app null')
    })

    t.test('HEAD is answered by the GET route, with its length and without its body', async t => {
      const app = new Application()
      app.get('/', request => text(request.method))
      const client = await testClient(t, app, { transport })

      const response = await client.head('/')

      t.equal(response.headers.get('content-length'), '4')
      t.equal(await response.text(), '')
    })

    t.test('next() resolves to a response when the handler throws, with the error on it', async t => {
      const failure = new HttpForbidden('Not yours')
      const app = new Application()
      app.use(async (request, next) => {
        const response = await next(request)
        t.equal(response.error, failure)
        return response
      })
      app.get('/', () => {
        throw failure
      })
      const client = await testClient(t, app, { transport })

      const response = await client.get('/')

      t.equal(response.status, 403)
      t.equal(await response.text(), '403: Not yours\n')
    })

    t.test('what a middleware throws passes the middlewares further out', async t => {
      const app = new Application({ logger: silent, middlewares: [mark('outer')] })
      app.use(() => Promise.reject(new Error('secret')))
      const client = await testClient(t, app, { transport })

      const response = await client.get('/')

      t.equal(response.status, 500)
      t.equal(response.headers.get('x-passed'), 'outer')
      t.equal(await response.text(), '500: Internal Server Error\n')
    })

    t.test('a foreign error decides nothing, whatever fields it has (P32)', async t => {
      const thrown: unknown[] = [
        null,
        'text',
        { status: 404, headers: { 'x-a': 'b' } },
        new Proxy({}, brokenProxy),
      ]
      const app = new Application({ logger: silent })
      app.get('/:index', ({ params }) => {
        throw thrown[Number(params.index)]
      })
      const client = await testClient(t, app, { transport })

      for (const index of thrown.keys()) {
        const response = await client.get(`/${index}`)
        t.equal(`${response.status} ${await response.text()}`, '500 500: Internal Server Error\n')
      }
    })

    t.test('debug shows the error', async t => {
      const app = new Application({ logger: silent, debug: true })
      app.get('/', () => {
        throw new Error('the cause')
      })
      const client = await testClient(t, app, { transport })

      t.match(await (await client.get('/')).text(), /Error: the cause\n {4}at /)
    })

    t.test('a response that was sent once is refused the second time', async t => {
      const same = text('same')
      const app = new Application({ logger: silent })
      app.get('/', () => same)
      const client = await testClient(t, app, { transport })

      t.equal((await client.get('/')).status, 200)
      t.equal((await client.get('/')).status, 500)
    })

    t.test('a reason phrase that would break the status line makes a clean 500 (P15)', async t => {
      const app = new Application({ logger: silent })
      app.get('/', () => new Response('x', { statusText: 'a\r\nset-cookie: b' }))
      const client = await testClient(t, app, { transport })

      const response = await client.get('/')

      t.equal(`${response.status} ${response.statusText}`, '500 Internal Server Error')
      t.equal(response.headers.get('set-cookie'), null)
    })

    t.test('the length of a response is what its body says (P16)', async t => {
      const app = new Application()
      app.get('/long', () => new Response('four', { headers: { 'content-length': '400' } }))
      app.get('/none', () => empty(204, { headers: { 'content-length': '4' } }))
      const client = await testClient(t, app, { transport })

      t.equal(await (await client.get('/long')).text(), 'four')
      t.equal((await client.get('/none')).headers.get('content-length'), null)
    })

    t.test('the body is read as bytes, text and JSON, each as often as asked for', async t => {
      const app = new Application()
      app.post('/', async request => {
        await request.json()
        return json([(await request.bytes()).length, await request.text(), await request.json()])
      })
      const client = await testClient(t, app, { transport })

      const response = await client.post('/', { json: { a: 'é' } })

      t.strictSame(await response.json(), [10, '{"a":"é"}', { a: 'é' }])
    })

    t.test('a body over the limit is 413, declared or not, and the limit of a route wins', async t => {
      const app = new Application({ bodyLimit: 10 })
      app.post('/', async request => text(await request.text()))
      app.post('/large', async request => text(await request.text()), { bodyLimit: 100 })
      const client = await testClient(t, app, { transport })
      const chunked = (async function* () {
        yield Buffer.alloc(8)
        yield Buffer.alloc(8)
      })()

      t.equal((await client.post('/', { body: 'x'.repeat(11) })).status, 413)
      t.equal((await client.post('/', { body: chunked })).status, 413)
      t.equal((await client.post('/', { body: 'x'.repeat(10) })).status, 200)
      t.equal((await client.post('/large', { body: 'x'.repeat(50) })).status, 200)
    })

    t.test('what is wrong with a JSON body is said with the right status (P19, P23)', async t => {
      const app = new Application()
      app.post('/', async request => json(await request.json()))
      app.post('/any', async request => json(await request.json({ anyType: true })))
      const client = await testClient(t, app, { transport })
      const send = async (body: string | Uint8Array, type: string, path = '/') =>
        (await client.post(path, { body, headers: type ? { 'content-type': type } : {} })).status

      t.equal(await send('{}', 'application/json'), 200)
      t.equal(await send('{}', 'application/problem+json; charset=utf-8'), 200)
      t.equal(await send('{}', 'text/plain'), 415)
      t.equal(await send('{}', 'application/json; x'), 415)
      t.equal(await send('{}', '', '/any'), 200)
      t.equal(await send('', 'application/json'), 400)
      t.equal(await send('{"a":', 'application/json'), 400)
      t.equal(await send('{"__proto__":1}', 'application/json'), 400)
      t.equal(await send(Uint8Array.of(0x22, 0xff, 0x22), 'application/json'), 400)
    })

    t.test('text is decoded by its charset; an unknown one, and an unknown coding, are 415', async t => {
      const app = new Application()
      app.post('/', async request => text(`${request.charset} ${await request.text()}`))
      const client = await testClient(t, app, { transport })
      const send = (body: string | Uint8Array, headers: Record<string, string>) =>
        client.post('/', { body, headers })

      const latin = await send(Uint8Array.of(0xe9), { 'content-type': 'text/plain; charset="ISO-8859-1"' })

      t.equal(await latin.text(), 'iso-8859-1 é')
      t.equal((await send('x', { 'content-type': 'text/plain; charset=martian' })).status, 415)
      t.equal((await send('x', { 'content-encoding': 'compress' })).status, 415)
      t.equal((await send('x', { 'content-encoding': 'identity' })).status, 200)
    })

    t.test('a request shows what was sent', async t => {
      const app = new Application()
      app.any(
        '/a/:name',
        ({
          method,
          path,
          rawPath,
          params,
          query,
          cookies,
          headers,
          host,
          scheme,
          url,
          remote,
          contentLength,
          route,
        }) =>
          json({
            method,
            path,
            rawPath,
            name: params.name,
            q: query.getAll('q'),
            cookie: cookies['c'],
            many: headers.getAll('x-many'),
            none: headers.get('constructor'),
            host: host.length > 0 && url.host === host,
            scheme,
            search: url.search,
            remote,
            contentLength,
            route: route?.path,
          }),
      )
      const client = await testClient(t, app, { transport })

      const response = await client.put('/a/b%2Fc%C3%A9', {
        query: { q: ['1', '2'] },
        headers: { cookie: 'c=d; c=e', 'x-many': 'f' },
        body: 'xyz',
      })

      t.strictSame(await response.json(), {
        method: 'PUT',
        path: '/a/b%2Fcé',
        rawPath: '/a/b%2Fc%C3%A9',
        name: 'b/cé',
        q: ['1', '2'],
        cookie: 'd',
        many: ['f'],
        none: null,
        host: true,
        scheme: 'http',
        search: '?q=1&q=2',
        remote: '127.0.0.1',
        contentLength: 3,
        route: '/a/:name',
      })
    })

    t.test('prepare hooks run last added first, then the signals, root first, on every response', async t => {
      const app = new Application()
      const inner = new Application()
      const note = (name: string) => (_: unknown, response: Response) =>
        response.headers.append('x-order', name)
      app.onResponsePrepare.add(note('root'))
      inner.onResponsePrepare.add(note('inner'))
      inner.get('/', request => {
        request.onPrepare(note('first'))
        request.onPrepare(note('second'))
        throw new HttpNotFound()
      })
      app.mount('/inner', inner)
      const client = await testClient(t, app, { transport })

      t.equal((await client.get('/inner')).headers.get('x-order'), 'second, first, root, inner')
      t.equal((await client.get('/nowhere')).headers.get('x-order'), 'root')
    })

    t.test('a prepare hook that throws replaces the answer; an HttpError keeps its status', async t => {
      const app = new Application({ logger: silent })
      app.get('/:kind', request => {
        request.onPrepare(() => {
          throw request.params.kind === 'http' ? new HttpServiceUnavailable() : new Error('secret')
        })
        return text('never')
      })
      const client = await testClient(t, app, { transport })

      t.equal((await client.get('/http')).status, 503)
      t.equal(await (await client.get('/other')).text(), '500: Internal Server Error\n')
    })

    t.test('tells whether prepare hooks are over, and runs finish hooks at the end', async t => {
      const seen: (boolean | string)[] = []
      const errors: string[] = []
      const app = new Application({
        logger: { ...silent, error: (_: unknown, message?: string) => void errors.push(message!) },
      })
      app.get('/', request => {
        seen.push(request.isPrepared)
        request.onPrepare(request => void seen.push(request.isPrepared))
        request.onFinish(() => {
          throw new Error('broken')
        })
        request.onFinish(() => void seen.push('finished'))
        return new Response(body(request))
      })
      async function* body(request: Request) {
        yield 'a'
        seen.push(request.isPrepared, 'sent')
      }
      const client = await testClient(t, app, { transport })

      await (await client.get('/')).text()
      await client.close()

      t.strictSame(seen, [false, true, true, 'sent', 'finished'])
      t.strictSame(errors, ['A hook on the end of a request failed'])
    })

    t.test('cookies and headers of an HttpError are sent', async t => {
      const app = new Application()
      app.get('/', () => {
        const error = new HttpForbidden(undefined, { headers: { 'x-why': 'because' } })
        error.cookies.set('seen', '1')
        throw error
      })
      const client = await testClient(t, app, { transport })

      const response = await client.get('/')

      t.equal(response.headers.get('x-why'), 'because')
      t.equal(response.headers.getSetCookie()[0], 'seen=1; Path=/; HttpOnly; SameSite=Lax')
    })

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

    t.test('pipelined requests are answered one at a time and in order (P4)', async t => {
      let running = 0
      const app = new Application()
      app.get('/:n', async ({ params }) => {
        t.equal(++running, 1)
        await Promise.resolve()
        running--
        return text(`<${params.n}>`)
      })
      const client = await testClient(t, app, { transport })
      const raw = client.connect()

      await raw.send([1, 2, 3].map(n => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
      const received = await raw.receiveUntil('<3>')

      t.strictSame(received.match(/<\d>/g), ['<1>', '<2>', '<3>'])
    })

    t.test('more than sixteen waiting requests close the connection behind the last answer (P4)', async t => {
      const app = new Application()
      app.get('/', async () => {
        await new Promise(setImmediate)
        return text('<ok>')
      })
      const client = await testClient(t, app, { transport })
      const raw = client.connect()

      await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50))
      const received = await raw.receive()

      t.equal(received.match(/<ok>/g)?.length, 17)
      t.equal(received.match(/Connection: close/g)?.length, 1)
    })

    t.test('bytes that are not HTTP do not get into the answer before them (P4)', async t => {
      const app = new Application()
      app.get('/', async () => {
        await new Promise(setImmediate)
        return text('whole')
      })
      const client = await testClient(t, app, { transport })
      const raw = client.connect()

      await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n\u0001garbage\r\n\r\n')

      t.match(await raw.receive(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nwhole$/)
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

    t.test('100 Continue comes only when the body is read (P6)', async t => {
      const app = new Application()
      app.post('/read', async request => text(await request.text()))
      app.post('/ignore', () => text('no, thanks'))
      const client = await testClient(t, app, { transport })
      const head = (path: string) =>
        `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`
      const reading = client.connect()
      const ignoring = client.connect()

      await reading.send(head('/read'))
      t.match(await reading.receiveUntil('\r\n\r\n'), /^HTTP\/1\.1 100 /)
      await reading.send('ok')
      t.match(await reading.receiveUntil('ok'), /^HTTP\/1\.1 200 /)
      await ignoring.send(head('/ignore'))

      t.match(await ignoring.receiveUntil('no, thanks'), /^HTTP\/1\.1 200 [^]*Connection: close/)
    })

    t.test('a client that writes everything before it reads still gets the early answer (P5)', async t => {
      const app = new Application()
      app.post('/', async request => text(await request.text()))
      const client = await testClient(t, app, { transport })
      const raw = client.connect()

      await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500000\r\n\r\n')
      raw.send(Buffer.alloc(200_000)).catch(() => {})

      t.match(await raw.receiveUntil('limit of'), /^HTTP\/1\.1 413 [^]*Connection: close/)
    })

    t.test('a small body that nobody read does not cost the connection', async t => {
      const app = new Application()
      app.post('/', () => text('<ignored>'))
      const client = await testClient(t, app, { transport })
      const raw = client.connect()

      await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n')
      await raw.receiveUntil('<ignored>')
      await raw.send('bodyPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')

      t.match(await raw.receiveUntil('<ignored>'), /^HTTP\/1\.1 200 /)
    })

    t.test('the AbortSignal of a request fires when its client leaves', async t => {
      const app = new Application()
      const reason = new Promise<unknown>(resolve => {
        app.get('/', async request => {
          await new Promise(left => request.signal.addEventListener('abort', left))
          resolve(request.signal.reason)
          return text('too late')
        })
      })
      const client = await testClient(t, app, { transport })
      const raw = client.connect()

      await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await new Promise(resolve => setTimeout(resolve, 20))
      raw.raw.destroy()

      t.match(await reason, { name: 'AbortError', abortCause: 'client gone' })
    })

    t.test(
      'a client that leaves within its body is an error for the reader, and no log line (P31)',
      async t => {
        const lines: string[] = []
        const app = new Application({ logger: createLogger('debug', line => lines.push(line)) })
        const read = new Promise<unknown>(resolve => {
          app.post('/', async request => {
            await request.bytes().catch((error: unknown) => resolve(error))
            return text(await request.text())
          })
        })
        const client = await testClient(t, app, { transport })
        const raw = client.connect()

        await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfew')
        await new Promise(resolve => setTimeout(resolve, 20))
        raw.raw.destroy()

        t.match(await read, { name: 'ClientGoneError', status: 499 })
        t.strictSame(lines, [])
      },
    )

    t.end()
  })
}

/** The whole answer to an HTTP/1.0 request without a Host. */
function oneLineOverHttp10(target: string | { port: number; host: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = typeof target === 'string' ? connect(target) : connect(target.port, target.host)
    let received = ''
    socket.on('data', chunk => (received += chunk.toString())).on('end', () => resolve(received))
    socket.on('error', reject)
    socket.write('GET / HTTP/1.0\r\n\r\n')
  })
}

const brokenProxy: ProxyHandler<object> = {
  get() {
    throw new Error('trap')
  },
  getPrototypeOf() {
    throw new Error('trap')
  },
}

t.test('Application', t => {
  t.test('answers errors by class, by status, and by the nearest application', async t => {
    class Teapot extends HttpError {}
    const app = new Application()
    const inner = new Application()
    app.onError(404, () => text('outer 404', { status: 404 }))
    app.onError(Teapot, error => text(`teapot ${error.status}`, { status: 418 }))
    inner.onError(HttpNotFound, () => text('inner 404', { status: 404 }))
    inner.get('/tea', () => {
      throw new Teapot(418)
    })
    app.mount('/inner', inner)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/x')).text(), 'outer 404')
    t.equal(await (await client.get('/inner/x')).text(), 'inner 404')
    t.equal(await (await client.get('/inner/tea')).text(), 'teapot 418')
  })

  t.test('hands an unknown error to the handler for 500 as the cause of an HttpError', async t => {
    const app = new Application({ logger: silent })
    app.onError(500, error => text((error.cause as Error).message, { status: 500 }))
    app.get('/', () => {
      throw new TypeError('shown on purpose')
    })
    const client = await testClient(t, app)

    t.equal(await (await client.get('/')).text(), 'shown on purpose')
  })

  t.test('falls back to the built-in answer when an error handler fails (P33)', async t => {
    const app = new Application({ logger: silent })
    app.onError(404, () => Promise.reject(new Error('handler broken')))
    app.onError(HttpForbidden, () => undefined as unknown as Response)
    app.get('/forbidden', () => {
      throw new HttpForbidden()
    })
    const client = await testClient(t, app)

    t.equal(await (await client.get('/')).text(), '404: Not Found\n')
    t.equal(await (await client.get('/forbidden')).text(), '403: Forbidden\n')
  })

  t.test('survives a logger that throws (P33)', async t => {
    const broken = () => {
      throw new Error('disk full')
    }
    const app = new Application({ logger: { debug: broken, info: broken, warn: broken, error: broken } })
    const reused = text('once')
    app.get('/throws', () => {
      throw new Error('x')
    })
    app.get('/reused', () => reused)
    const client = await testClient(t, app)

    t.equal((await client.get('/throws')).status, 500)
    t.equal((await client.get('/reused')).status, 200)
    t.equal((await client.get('/reused')).status, 500)
  })

  t.test('takes a thrown Response for an answer, in handlers and in error handlers', async t => {
    const app = new Application()
    app.onError(404, () => {
      throw redirect('/home') // eslint-disable-line @typescript-eslint/only-throw-error -- an answer, not an error
    })
    app.get('/', () => {
      throw redirect('/login') // eslint-disable-line @typescript-eslint/only-throw-error -- as above
    })
    const client = await testClient(t, app)

    t.equal((await client.get('/')).headers.get('location'), '/login')
    t.equal((await client.get('/x')).headers.get('location'), '/home')
  })

  t.test('names the middleware and the route when something returned no response (P14)', async t => {
    const lines: string[] = []
    const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
    app.use(function forgetful() {
      return undefined as unknown as Response
    })
    app.get('/x', () => text('x'))
    const client = await testClient(t, app)

    t.equal((await client.get('/x')).status, 500)
    t.match(lines.join(''), /the middleware "forgetful" of GET \/x returned undefined instead of a Response/)
  })

  t.test('refuses a second next(), and one that comes after the answer (P14)', async t => {
    const late: Promise<unknown>[] = []
    const app = new Application({ logger: silent })
    app.get('/twice', () => text('x'), {
      middlewares: [async (request, next) => (await next(request)) && next(request)],
    })
    app.get('/late', () => text('x'), {
      middlewares: [
        async (request, next) => {
          late.push(new Promise(resolve => setTimeout(resolve, 10)).then(async () => next(request)))
          return text('answered')
        },
      ],
    })
    const client = await testClient(t, app)

    t.equal((await client.get('/twice')).status, 500)
    t.equal((await client.get('/late')).status, 200)
    await t.rejects(Promise.all(late), { code: 'ERR_NEXT_CALLED_LATE' })
  })

  t.test('is the current application inside its mount only', async t => {
    const seen: string[] = []
    const app = new Application({ name: 'outer' })
    const inner = new Application({ name: 'inner' })
    app.use(async (request, next) => {
      seen.push(request.app.name)
      const response = await next(request)
      seen.push(request.app.name)
      return response
    })
    inner.get('/sync', ({ app }) => text(app.name))
    inner.get('/async', async ({ app }) => text(app.name))
    app.mount('/inner', inner)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/inner/sync')).text(), 'inner')
    t.equal(await (await client.get('/inner/async')).text(), 'inner')
    t.strictSame(seen, ['outer', 'outer', 'outer', 'outer'])
  })

  t.test(
    'matches a mount by whole segments, and answers its root with and without the slash (P10)',
    async t => {
      const app = new Application()
      const admin = new Application()
      admin.get('/', () => text('root'))
      admin.onError(404, () => text('admin 404', { status: 404 }))
      app.mount('/admin', admin)
      const client = await testClient(t, app)
      const bodyOf = async (path: string) => (await client.get(path)).text()

      t.equal(await bodyOf('/admin'), 'root')
      t.equal(await bodyOf('/admin/'), 'root')
      t.equal(await bodyOf('/admin/x'), 'admin 404')
      t.equal(await bodyOf('/administrator'), '404: Not Found\n')
    },
  )

  t.test('keeps the bare prefix for a route of the empty path', async t => {
    const app = new Application()
    const admin = new Application()
    admin.get('', () => text('bare'))
    admin.get('/', () => text('slash'))
    app.mount('/admin', admin)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/admin')).text(), 'bare')
    t.equal(await (await client.get('/admin/')).text(), 'slash')
  })

  t.test('lets the most specific route win across mounts', async t => {
    const app = new Application()
    const inner = new Application()
    app.get('/a/*', () => text('wildcard of the outer'))
    inner.get('/:id', () => text('param of the inner'))
    app.mount('/a', inner)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/a/1')).text(), 'param of the inner')
    t.equal(await (await client.get('/a/1/2')).text(), 'wildcard of the outer')
  })

  t.test('serves a host by its own application, without falling back (P10)', async t => {
    const app = new Application()
    const api = new Application()
    app.get('/home', () => text('home'))
    api.get('/users', () => text('users'))
    app.mountHost('API.example.com', api)
    const client = await testClient(t, app)
    const ask = async (path: string, host: string) => (await client.get(path, { headers: { host } })).status

    t.equal(await ask('/users', 'api.EXAMPLE.com:8080'), 200)
    t.equal(await ask('/home', 'api.example.com'), 404)
    t.equal(await ask('/home', 'example.com'), 200)
  })

  t.test('answers 414 when only the length of a param kept a route from matching', async t => {
    const app = new Application()
    app.get('/:id', () => text('x'))
    const client = await testClient(t, app)

    t.equal((await client.get(`/${'x'.repeat(2000)}`)).status, 414)
  })

  t.test('takes routes as data, in groups, and as views', async t => {
    class Note extends View<'/notes/:id'> {
      get(): Response {
        return text(`note ${this.request.params.id}`)
      }
      async delete(): Promise<Response> {
        return empty()
      }
    }
    const app = new Application()
    app.addRoutes([
      get('/', () => text('index')),
      ...group('/v1', [post('/x', () => text('posted'))], { middlewares: [mark('group')] }),
    ])
    app.view('/notes/:id', Note, { name: 'note' })
    const client = await testClient(t, app)

    t.equal(await (await client.get('/')).text(), 'index')
    t.equal((await client.post('/v1/x')).headers.get('x-passed'), 'group')
    t.equal(await (await client.get('/notes/7')).text(), 'note 7')
    t.equal((await client.delete('/notes/7')).status, 204)
    t.equal((await client.put('/notes/7')).headers.get('allow'), 'DELETE, GET, HEAD, OPTIONS')
    t.equal(app.url('note', { id: 7 }), '/notes/7')
  })

  t.test('refuses a view without methods', t => {
    class Nothing extends View<'/'> {}

    t.throws(() => new Application().view('/', Nothing), /it has none of the methods/)
    t.end()
  })

  t.test('makes URLs from routes and by name, through mounts', t => {
    const app = new Application()
    const admin = new Application({ name: 'admin' })
    const user = admin.get('/users/:id', () => text(''), { name: 'user' })
    const root = admin.get('/', () => text(''), { name: 'root' })
    app.get('/', () => text(''), { name: 'home' })
    app.mount('/admin', admin)

    t.equal(user.url({ id: 'a/b' }, { query: { page: 2 } }), '/admin/users/a%2Fb?page=2')
    t.equal(root.url(), '/admin')
    t.equal(app.url('admin.user', { id: 1 }), '/admin/users/1')
    t.equal(admin.url('home'), '/')
    t.throws(() => app.url('nobody'), { code: 'ERR_ROUTE_NAME_UNKNOWN' })
    t.end()
  })

  t.test('lists its routes with those of its mounts', t => {
    const role = new RouteKey<string>('role')
    const app = new Application()
    const admin = new Application()
    admin.get('/users', () => text(''), { meta: [role.with('admin')], name: 'users' })
    app.mount('/admin', admin)

    const [route] = app.routes()

    t.match(route, { method: 'GET', path: '/admin/users', name: 'users' })
    t.equal(route!.meta.find(role), 'admin')
    t.equal(route!.meta.has(role), true)
    t.end()
  })

  t.test('is frozen by its startup', async t => {
    const app = new Application()
    const key = new AppKey<string>('late')
    await app.startup()
    t.teardown(() => app.cleanup())

    t.throws(() => app.get('/', () => text('')), { code: 'ERR_APP_FROZEN' })
    t.throws(() => app.use(mark('late')), { code: 'ERR_APP_FROZEN' })
    t.throws(() => app.onStartup.add(() => {}), { code: 'ERR_SIGNAL_FROZEN' })
    t.throws(() => app.state.set(key, 'x'), { code: 'ERR_STATE_FROZEN' })
    t.throws(() => app.provide(key, async function* () { yield 'x' }), { code: 'ERR_APP_FROZEN' }) // prettier-ignore
  })

  t.test('refuses what cannot be mounted or used', async t => {
    const app = new Application()
    const inner = new Application()
    app.mount('/a', inner)

    t.throws(() => app.mount('/b', inner), { code: 'ERR_APP_MOUNTED' })
    t.throws(() => app.mount('/c', app), { code: 'ERR_APP_MOUNTED' })
    t.throws(() => app.mount('c', new Application()), TypeError)
    t.throws(() => app.mount('/:id', new Application()), TypeError)
    t.throws(() => app.use('/x' as unknown as Middleware), { code: 'ERR_MIDDLEWARE_ARGUMENT' })
    t.throws(() => app.use({} as unknown as Middleware), { code: 'ERR_MIDDLEWARE_ARGUMENT' })
    t.throws(() => app.onError(200, () => text('')), RangeError)
    t.throws(() => new Application({ bodyLimit: 0 }), RangeError)
    await t.rejects(inner.startup(), { code: 'ERR_APP_MOUNTED' })
  })

  t.test('refuses to mount what was started by itself', async t => {
    const started = new Application()
    await started.startup()
    await started.cleanup()

    t.throws(() => new Application().mount('/a', started), /it was started by itself/)
  })

  t.test('shows its state to what is mounted in it, and never the other way', async t => {
    const shared = new AppKey<string>('shared')
    const own = new AppKey<string>('own')
    const app = new Application()
    const inner = new Application()
    app.state.set(shared, 'outer')
    inner.state.set(own, 'inner')
    app.mount('/inner', inner)

    t.equal(inner.state.get(shared), 'outer')
    t.equal(app.state.find(own), undefined)
    t.throws(() => app.state.get(own), { code: 'ERR_STATE_KEY_UNSET', message: /"own"/ })
  })

  t.test('keeps request state for one request', async t => {
    const key = new RequestKey<number>('count')
    const app = new Application()
    app.use((request, next) => {
      t.equal(request.state.has(key), false)
      t.equal(request.state.find(key), undefined)
      t.throws(() => request.state.get(key), { code: 'ERR_STATE_KEY_UNSET' })
      request.state.set(key, 1)
      return next(request)
    })
    app.get('/', request => json(request.state.get(key)))
    const client = await testClient(t, app)

    t.equal(await (await client.get('/')).json(), 1)
    t.equal(await (await client.get('/')).json(), 1)
  })

  t.test('takes a thenable for a promise, and anything else for a mistake', async t => {
    const app = new Application({ logger: silent })
    const thenable = { then: (resolve: (response: Response) => void) => resolve(text('later')) }
    app.get('/thenable', () => thenable as unknown as Promise<Response>)
    app.get('/object', () => ({ status: 200 }) as unknown as Response)
    app.get('/number', () => 7 as unknown as Response)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/thenable')).text(), 'later')
    t.equal((await client.get('/object')).status, 500)
    t.equal((await client.get('/number')).status, 500)
  })

  t.test('makes an AbortSignal that has fired when the client is gone already', async t => {
    const app = new Application()
    const aborted = new Promise<boolean>(resolve => {
      app.post('/', async request => {
        await request.bytes().catch(() => new Promise(setImmediate))
        await request.text().catch(() => {})
        resolve(request.signal.aborted)
        return text('too late')
      })
    })
    const client = await testClient(t, app)
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')
    setTimeout(() => raw.destroy(), 20)

    t.equal(await aborted, true)
  })

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

  t.test('sees no cookies, no type and a root URL where nothing was sent', async t => {
    const app = new Application()
    app.use(request => {
      const { signal } = request
      return json([request.cookies, request.charset, request.url.pathname, signal === request.signal])
    })
    const client = await testClient(t, app)
    const raw = client.connect()

    await raw.send('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')

    t.match(await raw.receiveUntil(']'), /\[{},null,"\/",true\]$/)
  })

  t.test('rejects a body that is read only after the client has left', async t => {
    const app = new Application()
    const read = new Promise<unknown>(resolve => {
      app.post('/', async request => {
        await new Promise(left => request.signal.addEventListener('abort', left))
        await new Promise(setImmediate)
        await request.bytes().catch(resolve)
        return text('too late')
      })
    })
    const client = await testClient(t, app, { transport: 'tcp' })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    setTimeout(() => raw.destroy(), 20)

    t.match(await read, { name: 'ClientGoneError' })
  })

  t.test('stops discarding an unread body at its bound, and cuts the connection (P5)', async t => {
    const app = new Application()
    app.post('/', () => text('<early>'))
    const client = await testClient(t, app, { transport: 'tcp' })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n')
    t.match(await raw.receiveUntil('<early>'), /^HTTP\/1\.1 200 /)
    raw.send(Buffer.alloc(0x80000)).catch(() => {})

    t.match(await raw.closed, /ended|reset/)
  })

  t.test('has a state that tells what is set', async t => {
    const app = new Application()
    const key = new AppKey<string>('set')
    app.state.set(key, 'x')

    t.equal(app.state.has(key), true)
    t.equal(app.state.find(key), 'x')
    t.equal(app.state.has(new AppKey('unset')), false)
  })

  t.test('logs the cause of an HttpError that is a failure, and no other HttpError', async t => {
    const lines: string[] = []
    const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
    app.get('/:status', ({ params }) => {
      throw new HttpError(Number(params.status), undefined, { cause: new Error('behind') })
    })
    const client = await testClient(t, app)

    await client.get('/404')
    await client.get('/503')

    t.equal(lines.length, 1)
    t.match(lines[0], /behind/)
  })

  t.test('says how to call a method that was taken off the request', async t => {
    const app = new Application({ logger: silent, debug: true })
    app.post('/', async request => {
      const json: unknown = Reflect.get(request, 'json')
      return text(String(await (json as () => Promise<unknown>)()))
    })
    const client = await testClient(t, app)

    t.match(
      await (await client.post('/', { json: 1 })).text(),
      /write request\.json\(\), do not destructure it/,
    )
  })

  t.end()
})

t.test('the lifecycle of an application and its mounts', t => {
  const track = (name: string, order: string[], failing: string[] = []) => {
    const app = new Application({ name, logger: silent })
    const step = (what: string) => {
      order.push(`${name} ${what}`)
      if (failing.includes(what)) throw new Error(`${name} ${what}`)
    }
    for (const context of ['A', 'B']) {
      app.cleanupContexts.add(async function* () {
        step(`${context} in`)
        yield
        step(`${context} out`)
      })
    }
    app.onStartup.add(() => step('startup'))
    app.onShutdown.add(() => step('shutdown'))
    app.onCleanup.add(() => step('cleanup'))
    return app
  }

  t.test('goes in from the outside, and out from the inside', async t => {
    const order: string[] = []
    const app = track('outer', order)
    app.mount('/inner', track('inner', order))

    await app.startup()
    await app.shutdown()
    await app.cleanup()

    t.strictSame(order, [
      ...['outer A in', 'outer B in', 'outer startup', 'inner A in', 'inner B in', 'inner startup'],
      ...['inner shutdown', 'outer shutdown'],
      ...['inner B out', 'inner A out', 'inner cleanup', 'outer B out', 'outer A out', 'outer cleanup'],
    ])
  })

  t.test('unwinds what was entered when a start fails half-way, and rethrows the first error', async t => {
    const order: string[] = []
    const app = track('outer', order, ['A out'])
    app.mount('/inner', track('inner', order, ['B in']))

    await t.rejects(app.startup(), { message: 'inner B in' })

    t.strictSame(order.slice(4), ['inner B in', 'inner A out', 'outer B out', 'outer A out', 'outer cleanup'])
  })

  t.test('runs every teardown: one error comes as it is, several together', async t => {
    const one = track('one', [], ['A out'])
    const several = track('several', [], ['A out', 'B out', 'cleanup'])
    await one.startup()
    await several.startup()

    await t.rejects(one.cleanup(), { message: 'one A out' })
    await t.rejects(several.cleanup(), { name: 'AggregateError', errors: { length: 3 } })
  })

  t.test('gathers the errors of onShutdown', async t => {
    const app = track('outer', [], ['shutdown'])
    app.mount('/inner', track('inner', [], ['shutdown']))
    await app.startup()
    t.teardown(() => app.cleanup())

    await t.rejects(app.shutdown(), { name: 'AggregateError' })
  })

  t.test('shares one startup among runners, and cleans up with the last', async t => {
    const order: string[] = []
    const app = track('app', order)

    await Promise.all([app.startup(), app.startup()])
    await app.cleanup()
    t.equal(order.length, 3)
    await app.cleanup()
    await app.cleanup()

    t.equal(order.length, 6)
  })

  t.test('starts again after cleanup, from the state before', async t => {
    const key = new AppKey<number>('n')
    const app = new Application()
    let n = 0
    app.provide(key, async function* () {
      yield ++n
    })

    for (const expected of [1, 2]) {
      await app.startup()
      t.equal(app.state.get(key), expected)
      await app.cleanup()
      t.equal(app.state.has(key), false)
    }
  })

  t.test('fails both of two startups that share one failure, and can be tried again', async t => {
    let fails = true
    const app = new Application()
    app.onStartup.add(() => {
      if (fails) throw new Error('not yet')
    })

    const results = await Promise.allSettled([app.startup(), app.startup()])
    fails = false
    await app.startup()
    await app.cleanup()

    t.strictSame(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
  })

  t.test('skips the provider of a key that is overridden', async t => {
    const key = new AppKey<string>('db')
    const app = new Application()
    app.provide(key, async function* () {
      t.fail('the provider ran')
      yield 'real'
    })
    app.get('/', ({ app }) => text(app.state.get(key)))
    const client = await testClient(t, app, { state: [[key, 'fake']] })

    t.equal(await (await client.get('/')).text(), 'fake')
  })

  t.test('takes a disposable for a context, and refuses generators without exactly one yield', async t => {
    let disposed = false
    const app = new Application()
    app.cleanupContexts.add(() => ({ [Symbol.asyncDispose]: async () => void (disposed = true) }))
    await app.startup()
    await app.cleanup()
    t.equal(disposed, true)

    const none = new Application()
    none.cleanupContexts.add(async function* none() {})
    await t.rejects(none.startup(), { code: 'ERR_CLEANUP_CONTEXT', message: /ended without a yield/ })

    const two = new Application()
    two.cleanupContexts.add(async function* () {
      yield
      yield
    })
    await two.startup()
    await t.rejects(two.cleanup(), { code: 'ERR_CLEANUP_CONTEXT', message: /yielded a second time/ })
  })

  t.end()
})

t.test('AppRunner', t => {
  t.test('listens, answers and stops', async t => {
    const app = new Application()
    app.get('/', () => html('<p>hello'))
    const runner = new AppRunner(app, { keepAliveTimeout: undefined })
    await runner.startup()
    const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

    t.equal(await (await fetch(url)).text(), '<p>hello')
    t.equal(runner.addresses[0]!.url, url)
    await runner.stop()

    await t.rejects(fetch(url))
    t.equal(runner.wasForced, false)
  })

  t.test('names a busy address in one line', async t => {
    await using first = new AppRunner(new Application())
    await using second = new AppRunner(new Application())
    await first.startup()
    await second.startup()
    const { port } = await first.listen({ host: '127.0.0.1', port: 0 })

    await t.rejects(second.listen({ host: '127.0.0.1', port }), {
      message: `Cannot listen on 127.0.0.1:${port}: the address is in use`,
      stack: /^Error: Cannot listen on [^\n]+$/,
    })
  })

  t.test('answers what is in flight when it stops, and closes the connection', async t => {
    let release!: () => void
    const released = new Promise<void>(resolve => (release = resolve))
    const app = new Application()
    app.get('/', async () => {
      await released
      return text('finished')
    })
    const runner = new AppRunner(app)
    await runner.startup()
    const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

    const pending = fetch(url)
    await new Promise(resolve => setTimeout(resolve, 30))
    const stopped = runner.stop()
    release()
    const response = await pending

    t.equal(response.headers.get('connection'), 'close')
    t.equal(await response.text(), 'finished')
    await stopped
    t.equal(runner.wasForced, false)
  })

  t.test('cuts what is left at the deadline, and says so', async t => {
    const app = new Application()
    app.get('/', request => new Promise(resolve => request.signal.addEventListener('abort', () => resolve)))
    const runner = new AppRunner(app, { shutdownTimeout: 100 })
    await runner.startup()
    const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

    const pending = fetch(url)
    await new Promise(resolve => setTimeout(resolve, 30))
    await Promise.all([runner.stop(), t.rejects(pending)])

    t.equal(runner.wasForced, true)
  })

  t.test('listens on IPv6 and on unix sockets', async t => {
    const app = new Application()
    app.get('/', ({ url, remote, contentType, contentLength }) =>
      json([url.host, remote, contentType, contentLength]),
    )
    const runner = new AppRunner(app)
    await runner.startup()
    t.teardown(() => runner.stop())
    const folder = await mkdtemp(join(tmpdir(), 'allium-'))
    t.teardown(() => rm(folder, { recursive: true }))

    const { url, port } = await runner.listen({ host: '::1', port: 0 })
    const unix = await runner.listen({ path: join(folder, 'app.sock') })

    t.strictSame(await (await fetch(url)).json(), [`[::1]:${port}`, '::1'].concat([null, null] as never))
    t.match(await oneLineOverHttp10(unix.host), /\["localhost",null,null,null\]$/)
    t.match(await oneLineOverHttp10({ port, host: '::1' }), /\["\[::1\]:\d+","::1",null,null\]$/)
    await t.rejects(runner.listen({ path: '/nowhere/app.sock' }), /^Cannot listen on \/nowhere\/app\.sock: /)
  })

  t.test('counts trailers like headers, and cuts the connection when they are too many (P2)', async t => {
    const app = new Application()
    app.post('/', async request => {
      await request.bytes()
      return text('never')
    })
    const client = await testClient(t, app, { runner: { maxHeadersCount: 3 } })
    const raw = client.connect()

    await raw.send(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'x: y\r\n'.repeat(4)}\r\n`,
    )

    t.notMatch(await raw.receive().catch(() => ''), /never/)
  })

  t.test(
    'answers 408 to a head or a body that does not arrive in time (P3)',
    { timeout: 30_000 },
    async t => {
      const app = new Application()
      app.post('/', async request => text(await request.text()))
      const client = await testClient(t, app, {
        transport: 'tcp',
        timeout: 20_000,
        runner: { headersTimeout: 500, requestTimeout: 800 },
      })
      const [head, body] = [client.connect(), client.connect()]

      await head.send('GET / HTTP/1.1\r\nHost:')
      await body.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfew')

      t.match(await Promise.all([head.receive(), body.receive()]), [/^HTTP\/1\.1 408 /, /^HTTP\/1\.1 408 /])
    },
  )

  t.test('refuses what comes out of order', async t => {
    const runner = new AppRunner(new Application())
    await t.rejects(runner.listen(), { code: 'ERR_RUNNER_STATE', message: /the runner is not started/ })
    await runner.startup()
    await t.rejects(runner.startup(), { code: 'ERR_RUNNER_STATE', message: /the runner is running/ })
    await runner.stop()

    t.throws(() => runner.accept(undefined as never), UsageError)
    await new AppRunner(new Application()).stop()
  })

  t.test('may be started again after a failed startup', async t => {
    let fails = true
    const app = new Application()
    app.onStartup.add(() => {
      if (fails) throw new Error('first time')
    })
    await using runner = new AppRunner(app)

    await t.rejects(runner.startup(), { message: 'first time' })
    fails = false
    await runner.startup()
  })

  t.test('gathers the errors of a stop', async t => {
    const app = new Application()
    app.onShutdown.add(() => Promise.reject(new Error('shutdown')))
    app.onCleanup.add(() => Promise.reject(new Error('cleanup')))
    const runner = new AppRunner(app)
    await runner.startup()

    await t.rejects(runner.stop(), { name: 'AggregateError', errors: { length: 2 } })
  })

  t.end()
})
