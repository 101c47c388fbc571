import { Application, AppRunner, createLogger, HttpError, HttpNotFound, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

/** A middleware that leaves its mark, and that of the application it runs in, on every response. */
function mark(name: string): Middleware {
  return async (request, next) => {
    const before = request.app.name
    const response = await next(request)
    response.headers.append('x-passed', `${name}:${before}:${request.app.name}`)
    return response
  }
}

overEachTransport('the onion', (t, transport) => {
  t.test('surrounds every answer, that of a mount and of its misses too (P11)', async t => {
    const app = new Application({ name: 'root', logger: silent, middlewares: [mark('out')] })
    const inner = new Application({ name: 'inner', middlewares: [mark('in')] })
    inner.get('/found', () => text('found'))
    inner.get('/fails', () => {
      throw new Error('secret')
    })
    app.mount('/in', inner)
    const client = await testClient(t, app, { transport })
    const both = 'in:inner:inner, out:root:root'

    for (const [method, path, status, passed] of [
      ['GET', '/in/found', 200, both],
      ['HEAD', '/in/found', 200, both],
      ['OPTIONS', '/in/found', 204, both],
      ['POST', '/in/found', 405, both],
      ['GET', '/in/fails', 500, both],
      ['GET', '/in/missing', 404, both],
      ['GET', '/in', 404, both],
      ['GET', '/inside', 404, 'out:root:root'],
      ['GET', '/in%2Ffound', 404, 'out:root:root'],
      ['GET', '//in/found', 404, 'out:root:root'],
      ['GET', '/%', 400, 'out:root:root'],
    ] as const) {
      const response = await client.request(method, path)
      t.equal(`${response.status} ${response.headers.get('x-passed')}`, `${status} ${passed}`, path)
    }
  })

  t.test('matches a mount prefix by its decoded segments, as routes are (P8, P10)', async t => {
    const app = new Application()
    const admin = new Application({ middlewares: [() => text('guarded', { status: 403 })] })
    admin.get('/secret', () => text('secret'))
    app.mount('/admin', admin)
    const client = await testClient(t, app, { transport })

    for (const path of ['/admin/secret', '/%61dmin/secret', '/admin/%73ecret', '/admin/x', '/%61dmin/x']) {
      t.equal((await client.get(path)).status, 403, path)
    }
  })

  t.test('no request header switches it off (P11)', async t => {
    const app = new Application({ middlewares: [() => text('guarded', { status: 403 })] })
    app.get('/', () => text('secret'))
    const client = await testClient(t, app, { transport })
    const headers = { 'x-middleware-subrequest': 'middleware', 'x-original-url': '/', 'x-rewrite-url': '/' }

    t.equal((await client.get('/', { headers })).status, 403)
  })

  t.test('a mounted "/" answers the prefix with and without its slash', async t => {
    const app = new Application()
    const inner = new Application()
    inner.get('/', ({ path }) => text(path))
    app.mount('/in', inner)
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/in')).text(), '/in')
    t.equal(await (await client.get('/in/')).text(), '/in/')
  })

  t.test('goes from the innermost error handler outwards, and no further than the first', async t => {
    class Broke extends HttpError {}
    const app = new Application({ logger: silent })
    const inner = new Application()
    app.onError(Broke, () => text('outer class', { status: 402 }))
    app.onError(HttpError, () => text('outer base', { status: 400 }))
    inner.onError(402, () => text('inner status', { status: 402 }))
    inner.get('/status', () => Promise.reject(new Broke(402)))
    inner.get('/class', () => Promise.reject(new Broke(403)))
    inner.get('/base', () => Promise.reject(new HttpNotFound()))
    app.mount('/in', inner)
    const client = await testClient(t, app, { transport })
    const answer = async (path: string) => (await client.get(path)).text()

    t.equal(await answer('/in/status'), 'inner status')
    t.equal(await answer('/in/class'), 'outer class')
    t.equal(await answer('/in/base'), 'outer base')
  })

  t.test('shows nothing of what is thrown, whatever it looks like (P32)', async t => {
    const cyclic = new Error('secret')
    cyclic.cause = cyclic
    const evil = Object.assign(new Error('secret'), {
      status: 404,
      statusCode: 404,
      expose: true,
      headers: { 'x-evil': '1' },
    })
    const getters = {
      get message() {
        throw new Error('trap')
      },
      get stack() {
        throw new Error('trap')
      },
    }
    const thrown: unknown[] = [undefined, 0, Symbol('secret'), cyclic, evil, getters, () => 'secret', 10n]
    const lines: string[] = []
    const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
    app.get('/:n', async ({ params }) => {
      throw thrown[Number(params.n)]
    })
    const client = await testClient(t, app, { transport })

    for (const n of thrown.keys()) {
      const response = await client.get(`/${n}`)
      t.equal(`${response.status} ${await response.text()}`, '500 500: Internal Server Error\n', String(n))
      t.equal(response.headers.get('x-evil'), null)
      t.equal(response.headers.get('server') ?? response.headers.get('x-powered-by'), null)
    }
    t.equal(lines.length, thrown.length)
  })

  t.test('a middleware may replace what was thrown, and is shown it at response.error', async t => {
    const app = new Application({ logger: silent })
    app.use(async (request, next) => {
      const { error } = await next(request)
      return text(`replaced ${(error as Error).message}`)
    })
    app.get('/', () => Promise.reject(new Error('this')))
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'replaced this')
  })

  t.test('a host of its own does not fall back, and takes port, case and trailing dot (P10)', async t => {
    const app = new Application()
    const api = new Application()
    app.get('/root', () => text('root'))
    api.get('/api', () => text('api'))
    app.mountHost('api.example.com', api)
    const client = await testClient(t, app, { transport })
    const status = async (host: string, path: string) =>
      (await client.get(path, { headers: { host } })).status

    for (const host of ['api.example.com', 'API.Example.com:81', 'api.example.com.']) {
      t.strictSame([await status(host, '/api'), await status(host, '/root')], [200, 404], host)
    }
    for (const host of ['example.com', 'xapi.example.com', 'api.example.com.evil']) {
      t.strictSame([await status(host, '/api'), await status(host, '/root')], [404, 200], host)
    }
  })
})

t.test('a handler that gives up with the reason of its AbortSignal is 503, and nothing to log', async t => {
  const lines: string[] = []
  const app = new Application({ logger: createLogger('debug', line => lines.push(line)) })
  app.get('/', async ({ signal }) => {
    await new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    )
    return text('never')
  })
  const runner = new AppRunner(app)
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

  const pending = fetch(url)
  while (runner.counts.requests === 0) await new Promise(resolve => setTimeout(resolve, 5))
  await runner.stop()

  t.equal((await pending).status, 503)
  t.same(lines, [])
})
