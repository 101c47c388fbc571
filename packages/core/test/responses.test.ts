import { Readable } from 'node:stream'

import {
  Application,
  createLogger,
  DeferredResponse,
  empty,
  HttpError,
  HttpGone,
  Response,
  text,
} from '@allium/core'
import type { Request } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

overEachTransport('responses', (t, transport) => {
  t.test('HEAD is answered by the GET route, with its length and without its body', async t => {
    const app = new Application()
    app.get('/', request => text(request.method))
    const client = await testClient(t, app, { transport })

    const response = await client.head('/')

    t.equal(response.headers.get('content-length'), '4')
    t.equal(await response.text(), '')
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
})

overEachTransport('a response', (t, transport) => {
  t.test('cannot break its head: what would is a 500 without a trace of it (P15)', async t => {
    const evil = 'a\r\nset-cookie: evil=1\r\n\r\n<p>'
    const attempts: (() => Response)[] = [
      () => text('x', { headers: { 'x-a': evil } }),
      () => text('x', { headers: { [evil]: 'a' } }),
      () => text('x', { statusText: evil }),
      () => text('x', { headers: { 'x-a': 'a\0b' } }),
      () => text('x', { headers: { 'x-a': '\u2028' } }),
      () => {
        const response = text('x')
        response.headers.append('x-a', evil)
        return response
      },
      () => {
        const response = text('x')
        response.cookies.set('a', 'b', { path: `/${evil}` })
        return response
      },
      () => {
        throw new HttpError(400, 'x', { headers: { 'x-a': evil } })
      },
    ]
    const app = new Application({ logger: silent })
    app.get('/:n', ({ params }) => attempts[Number(params.n)]!())
    const client = await testClient(t, app, { transport })

    for (const n of attempts.keys()) {
      const response = await client.get(`/${n}`)
      t.equal(`${response.status} ${await response.text()}`, '500 500: Internal Server Error\n', String(n))
      t.strictSame(response.headers.getSetCookie(), [])
    }
  })

  t.test('of 204, 205 and 304 has no body, also when a middleware chose the status (P16)', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      response.status = Number(request.query.get('status'))
      return response
    })
    app.get('/', () => text('body'))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    for (const status of [204, 205, 304]) {
      await raw.send(`GET /?status=${status} HTTP/1.1\r\nHost: a\r\n\r\n`)
    }
    await raw.send('GET /?status=200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const answers = (await raw.receive()).split('HTTP/1.1 ').slice(1)

    t.strictSame(
      answers.map(answer => answer.slice(0, 3) + answer.slice(answer.indexOf('\r\n\r\n') + 4)),
      ['204', '205', '304', '200body'],
    )
    t.notMatch(answers[0], /content-length/i)
    t.notMatch(answers[2], /content-length/i)
  })

  t.test('has its head in Latin-1, whatever its body is (RFC 9110 §5.5)', async t => {
    const bodies = {
      '/ascii': () => 'ete',
      '/text': () => 'été',
      '/bytes': () => Buffer.from('été'),
      '/pieces': () => Readable.from(['é', 'té']),
    }
    const init = { headers: { 'x-user': 'José', 'content-length': '5' }, statusText: 'Très bien' }
    const app = new Application()
    for (const [path, body] of Object.entries(bodies)) app.get(path, () => new Response(body(), init))
    const client = await testClient(t, app, { transport })

    for (const path of Object.keys(bodies)) {
      const raw = client.connect()
      await raw.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      const answer = await raw.receive()
      t.match(answer, /^HTTP\/1\.1 200 Très bien\r\nx-user: José\r\n/, path)
      t.match(Buffer.from(answer, 'latin1').toString(), path === '/ascii' ? /ete$/ : /été$/, path)
    }
  })

  t.test('that is reused is refused and leaks no cookie to the second client', async t => {
    const same = text('same')
    same.cookies.set('user', 'ada')
    const app = new Application({ logger: silent })
    app.get('/', () => same)
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/')).headers.getSetCookie().length, 1)
    const second = await client.get('/')

    t.equal(`${second.status} ${await second.text()}`, '500 500: Internal Server Error\n')
    t.strictSame(second.headers.getSetCookie(), [])
  })
})

overEachTransport('a handler', (t, transport) => {
  t.test('may answer with a response that depends on the request', async t => {
    class Echo extends DeferredResponse {
      settle(request: Request): Response {
        if (request.path === '/gone') throw new HttpGone()
        return text(request.path)
      }
    }
    const app = new Application()
    app.get('/*', () => new Echo())
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/a')).text(), '/a')
    t.equal((await client.get('/gone')).status, 410)
  })
})
