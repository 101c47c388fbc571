import { Application, createLogger, json, text } from '@allium/core'
import type { TestClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'
import { testClient } from '@allium/testing'

/** Sends bytes on a connection of their own and takes the head of the answer. */
async function headOf(client: TestClient, bytes: string): Promise<string> {
  const raw = client.connect()
  await raw.send(bytes)
  const head = await raw.receiveUntil('\r\n\r\n')
  raw.destroy()
  return head
}

async function statusOf(client: TestClient, bytes: string): Promise<number> {
  return Number((await headOf(client, bytes)).slice(9, 12))
}

overEachTransport('HTTP', (t, transport) => {
  t.test('a path that some method answers is 405 for the others, naming it (RFC 9110 §15.5.6)', async t => {
    const app = new Application()
    app.get('/note', () => text('note'))
    app.put('/note', () => text('put'))
    const client = await testClient(t, app, { transport })

    const response = await client.delete('/note')

    t.equal(response.status, 405)
    t.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS, PUT')
  })

  t.test('a method that Node knows and no route has is 405, one that nobody knows 400', async t => {
    const app = new Application()
    app.get('/', () => text('x'))
    const client = await testClient(t, app, { transport })

    t.equal(await statusOf(client, 'PURGE / HTTP/1.1\r\nHost: a\r\n\r\n'), 405)
    t.equal(await statusOf(client, 'FROB / HTTP/1.1\r\nHost: a\r\n\r\n'), 400)
    t.equal(await statusOf(client, 'get / HTTP/1.1\r\nHost: a\r\n\r\n'), 400)
  })

  t.test('HEAD tells the length of every answer and never a body (P16)', async t => {
    const app = new Application()
    app.get('/', () => text('é'))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /no HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const received = await raw.receive()

    t.match(received, /^HTTP\/1\.1 200 [^]*content-length: 2\r\n[^]*\r\n\r\nHTTP\/1\.1 404 /)
    t.match(received, /HTTP\/1\.1 404 [^]*content-length: 15\r\n[^]*\r\n\r\nHTTP\/1\.1 200 /)
  })

  t.test('a route for HEAD stands before that for GET', async t => {
    const app = new Application()
    app.head('/', () => text('', { headers: { 'x-route': 'head' } }))
    app.get('/', () => text('get'))
    const client = await testClient(t, app, { transport })

    t.equal((await client.head('/')).headers.get('x-route'), 'head')
    t.equal(await (await client.get('/')).text(), 'get')
  })

  t.test('OPTIONS is answered by its own route when there is one', async t => {
    const app = new Application()
    app.get('/', () => text('get'))
    app.options('/', () => text('mine'))
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.options('/')).text(), 'mine')
    t.equal((await client.options('/nowhere')).status, 404)
  })

  t.test('method overrides change nothing (P14)', async t => {
    const app = new Application()
    app.post('/', ({ method }) => text(method))
    app.delete('/', () => text('deleted'))
    const client = await testClient(t, app, { transport })

    const response = await client.post('/?_method=DELETE', {
      headers: { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' },
    })

    t.equal(await response.text(), 'POST')
  })

  t.test('a target that cannot be read in one way only is 400 (P8)', async t => {
    const app = new Application()
    app.get('/*', ({ path }) => text(path))
    const client = await testClient(t, app, { transport })
    const targets = ['/%', '/%g1', '/%ff', '/%c0%af', '/%ed%a0%80', '/%00', '/a\\b', '/a#b', 'a', 'http:///a']

    for (const target of [...targets, 'ftp://a/', 'http://a b/', 'http://u@a/', 'http://a:x/']) {
      t.equal(await statusOf(client, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`), 400, target)
    }
  })

  t.test('an escaped slash, backslash or percent stays data within its segment (P8)', async t => {
    const app = new Application()
    app.get('/one/:name', ({ path, params }) => json([path, params.name]))
    const client = await testClient(t, app, { transport })

    t.strictSame(await (await client.get('/one/a%2Fb')).json(), ['/one/a%2Fb', 'a/b'])
    t.strictSame(await (await client.get('/one/a%5cb')).json(), ['/one/a%5Cb', 'a\\b'])
    t.strictSame(await (await client.get('/one/%252e')).json(), ['/one/%252e', '%2e'])
    t.equal((await client.get('/one%2Fa')).status, 404)
  })

  t.test('nothing in a path is rewritten: slashes, dots, case, semicolons (P9)', async t => {
    const app = new Application()
    app.get('/a/b', () => text('found'))
    const client = await testClient(t, app, { transport })

    for (const path of ['/a//b', '//a/b', '/a/b/', '/A/b', '/a/./b', '/x/../a/b', '/a/b;c', '/a/%2e/b']) {
      t.equal(await statusOf(client, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`), 404, path)
    }
    t.equal((await client.get('/%61/b')).status, 200)
  })

  t.test('an absolute-form target outranks the Host field (RFC 9112 §3.2.2)', async t => {
    const app = new Application()
    app.get('/x', ({ host, path, query, url }) => text(`${host} ${path} ${query.get('q')} ${url.href}`))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('GET http://B.example:81/x?q=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')

    t.match(await raw.receive(), 'B.example:81 /x 1 http://b.example:81/x?q=1')
  })

  t.test('OPTIONS * names what the server can do, through the middlewares (P7, P11)', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      response.headers.set('x-passed', request.path)
      return response
    })
    app.delete('/', () => text('gone'))
    const client = await testClient(t, app, { transport })

    const head = await headOf(client, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')

    t.match(head, /^HTTP\/1\.1 204 /)
    t.match(head, /\r\nallow: DELETE, OPTIONS\r\n/)
    t.match(head, /\r\nx-passed: \*\r\n/)
  })

  t.test('an Upgrade that nobody wants is an ordinary request, h2c included (P7)', async t => {
    const app = new Application()
    app.post('/', async request => text(`<${await request.text()}>`))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()
    const upgrade = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'

    await raw.send(`POST / HTTP/1.1\r\nHost: a\r\n${upgrade}Content-Length: 4\r\n\r\nbody`)

    t.match(await raw.receiveUntil('<body>'), /^HTTP\/1\.1 200 /)
  })

  t.test('what is behind an Upgrade that nobody wants is not left to wait (P7)', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const client = await testClient(t, app, { transport })
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'

    for (const next of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']) {
      const raw = client.connect()
      await raw.send(upgrade + next)
      t.match(await raw.receive(), /^HTTP\/1\.1 200 [^]*Connection: close[^]*<ok>/)
    }
  })

  t.test('a Host that is missing, doubled or no host is refused (P35)', async t => {
    const app = new Application()
    app.get('/', () => text('served'))
    const client = await testClient(t, app, { transport })
    const hosts = ['', 'a b', 'u@a', 'a/b', 'a,b', 'a:b', 'a:123456', '[::1', 'a%41', '-a', 'ä', 'a#b', 'a?b']

    for (const host of hosts) {
      t.equal(await statusOf(client, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), 400, host)
    }
    t.equal(await statusOf(client, 'GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n'), 400)
    t.equal(await statusOf(client, 'GET / HTTP/1.0\r\nHost: a b\r\n\r\n'), 400)
    t.equal(await statusOf(client, 'GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n'), 200)
  })

  t.test(
    'a middleware that looks at the URL of a refused request changes nothing of the refusal',
    async t => {
      const lines: string[] = []
      const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
      app.use((request, next) => {
        void request.url.href
        return next(request)
      })
      const client = await testClient(t, app, { transport })

      for (const host of ['a b', '', '[', 'u@a']) {
        t.equal(await statusOf(client, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), 400, host)
      }
      t.equal(await statusOf(client, 'GET / HTTP/1.1\r\n\r\n'), 400)
      t.equal(await statusOf(client, 'GET \\ HTTP/1.1\r\nHost: a\r\n\r\n'), 400)
      t.strictSame(lines, [])
    },
  )

  t.test('forwarded fields of a peer that nobody trusts change nothing (P36)', async t => {
    const app = new Application()
    app.get('/', ({ host, scheme, remote }) => json([host, scheme, remote]))
    const client = await testClient(t, app, { transport })
    const headers = {
      host: 'a.example',
      forwarded: 'for=1.2.3.4;proto=https;host=evil',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil',
    }

    t.strictSame(await (await client.get('/', { headers })).json(), ['a.example', 'http', '127.0.0.1'])
  })

  t.test(
    'an expectation nobody knows is 417, through the middlewares; any case of 100-continue is known (P6)',
    async t => {
      const app = new Application()
      app.use(async (request, next) => {
        const response = await next(request)
        response.headers.set('x-passed', 'yes')
        return response
      })
      app.post('/', async request => text(await request.text()))
      const client = await testClient(t, app, { transport })
      const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n'

      t.match(await headOf(client, `${post}Expect: miracles\r\n\r\nx`), /^HTTP\/1\.1 417 [^]*x-passed: yes/)
      t.match(await headOf(client, `${post}Expect: 100-Continue\r\n\r\n`), /^HTTP\/1\.1 100 /)
    },
  )

  t.test('401 and 404 come in place of 100 (P6)', async t => {
    const app = new Application()
    app.post('/guarded', async request => text(await request.text()), {
      middlewares: [() => text('who are you?', { status: 401 })],
    })
    const client = await testClient(t, app, { transport })
    const post = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`

    t.equal(await statusOf(client, post('/guarded')), 401)
    t.equal(await statusOf(client, post('/nowhere')), 404)
  })

  t.test('a 413 for what is declared comes in place of 100 (P6)', async t => {
    const app = new Application({ bodyLimit: 10 })
    app.post('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport })

    t.equal(
      await statusOf(
        client,
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n',
      ),
      413,
    )
  })

  t.test('an HTTP/1.0 client never gets a 100 (RFC 9110 §10.1.1)', async t => {
    const app = new Application()
    app.post('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport })

    t.equal(
      await statusOf(
        client,
        'POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx',
      ),
      200,
    )
  })

  t.test('200 fields are served and 201 are 431, through the middlewares (P2)', async t => {
    const app = new Application()
    let passed = 0
    app.use((request, next) => {
      passed++
      return next(request)
    })
    app.get('/', () => text('served'))
    const client = await testClient(t, app, { transport })
    const get = (count: number) => `GET / HTTP/1.1\r\nHost: a\r\n${'x: y\r\n'.repeat(count - 1)}\r\n`

    t.equal(await statusOf(client, get(200)), 200)
    t.equal(await statusOf(client, get(201)), 431)
    t.equal(passed, 2)
  })

  t.test('413 and 422 have the phrases of RFC 9110, unless the response has its own', async t => {
    const app = new Application()
    app.get('/:status', ({ params }) => text('', { status: Number(params.status) }))
    app.get('/own/:status', ({ params }) => text('', { status: Number(params.status), statusText: 'Mine' }))
    const client = await testClient(t, app, { transport })
    const lineOf = async (path: string) =>
      (await headOf(client, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).split('\r\n')[0]

    t.equal(await lineOf('/413'), 'HTTP/1.1 413 Content Too Large')
    t.equal(await lineOf('/422'), 'HTTP/1.1 422 Unprocessable Content')
    t.equal(await lineOf('/own/413'), 'HTTP/1.1 413 Mine')
  })

  t.test('a param over 1024 characters is 414, and a long path is no reason to be slow (P12)', async t => {
    const app = new Application()
    app.get('/users/:id', ({ params }) => text(params.id))
    const client = await testClient(t, app, { transport })

    t.equal((await client.get(`/users/${'x'.repeat(1024)}`)).status, 200)
    t.equal((await client.get(`/users/${'x'.repeat(1025)}`)).status, 414)
    t.equal((await client.get(`/${'x/'.repeat(7000)}`)).status, 404)
  })

  t.test('names of prototypes are plain data in params, query, cookies and headers (P12)', async t => {
    const app = new Application()
    app.get('/:__proto__', ({ params, query, cookies, headers }) =>
      json([
        Object.entries(params),
        query.get('__proto__'),
        Object.entries(cookies),
        headers.get('constructor'),
      ]),
    )
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('GET /a?__proto__=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n')
    await raw.send('Cookie: __proto__=c; toString=d\r\n__proto__: e\r\n\r\n')

    t.match(await raw.receive(), '[[["__proto__","a"]],"b",[["__proto__","c"],["toString","d"]],null]')
  })
})
