import { Application, createLogger, HttpForbidden, text } from '@allium/core'
import type { Middleware, Response } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

/** A middleware that leaves its mark on every response that passes it. */
function mark(name: string): Middleware {
  return async (request, next) => {
    const response = await next(request)
    response.headers.append('x-passed', name)
    return response
  }
}

overEachTransport('middlewares', (t, transport) => {
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
})

t.test('Application', async t => {
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
})
