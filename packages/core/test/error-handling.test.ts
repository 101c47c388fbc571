import type { Response } from '@allium/core'
import {
  Application,
  createLogger,
  HttpError,
  HttpForbidden,
  HttpNotFound,
  redirect,
  text,
} from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

const brokenProxy: ProxyHandler<object> = {
  get() {
    throw new Error('trap')
  },
  getPrototypeOf() {
    throw new Error('trap')
  },
}

overEachTransport('an error', (t, transport) => {
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
})

t.test('Application', async t => {
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
})
