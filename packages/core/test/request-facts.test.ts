import { readFileSync } from 'node:fs'
import { get as httpsGet } from 'node:https'
import { fileURLToPath } from 'node:url'

import { Application, AppRunner, createLogger, json, text } from '@allium/core'
import type { Request } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

/** An application that answers with what the function finds in the request. */
function tell(find: (request: Request) => unknown): Application {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.any('/*', async request => json(await find(request)))
  return app
}

overEachTransport('a request tells', (t, transport) => {
  t.test('its fields as they were sent', async t => {
    const client = await testClient(
      t,
      tell(({ rawHeaders }) => rawHeaders),
      { transport },
    )
    const raw = client.connect()

    await raw.send('GET / HTTP/1.1\r\nHost: a\r\nX-Two: 1\r\nx-tWo: 2\r\nConnection: close\r\n\r\n')

    t.match(await raw.receive(), '[["Host","a"],["X-Two","1"],["x-tWo","2"],["Connection","close"]]')
  })

  t.test('its query as it was sent, and parsed, with names that repeat', async t => {
    const client = await testClient(
      t,
      tell(({ queryString, query }) => [queryString, query.getAll('a'), query.get('b')]),
      { transport },
    )

    t.strictSame(await (await client.get('/?a=1&a=%32&b=%zz+x?&a')).json(), [
      'a=1&a=%32&b=%zz+x?&a',
      ['1', '2', ''],
      '%zz x?',
    ])
    t.strictSame(await (await client.get('/?')).json(), ['', [], null])
  })

  t.test('version and wish of the client for the connection (RFC 9112 §9.3)', async t => {
    const app = tell(({ httpVersion, keepAlive }) => [httpVersion, keepAlive])
    const client = await testClient(t, app, { transport })
    const told = async (version: string, field: string) => {
      const raw = client.connect()
      await raw.send(`GET / HTTP/${version}\r\nHost: a\r\n${field}\r\n`)
      return raw.receiveUntil(/\[.*\]/)
    }

    t.match(await told('1.1', ''), '["1.1",true]')
    t.match(await told('1.1', 'Connection: x, Close\r\n'), '["1.1",false]')
    t.match(await told('1.0', ''), '["1.0",false]')
    t.match(await told('1.0', 'Connection: Keep-Alive\r\n'), '["1.0",true]')
  })

  t.test('the trailers of its body, once that was read, and apart from the headers (P2)', async t => {
    const app = tell(async request => {
      const before = [...request.trailers]
      await request.text()
      const { trailers } = request
      return [
        before,
        trailers.get('x-sum'),
        trailers.getAll('X-Sum'),
        trailers.has('host'),
        request.headers.has('x-sum'),
      ]
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
    await raw.send('0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n')

    t.match(await raw.receiveUntil(/\[.*\]/), '[[],"1, 2",["1","2"],false,false]')
  })

  t.test('nothing of TLS when there is none', async t => {
    const client = await testClient(
      t,
      tell(({ tls, secure }) => [tls === undefined, secure]),
      { transport },
    )

    t.strictSame(await (await client.get('/')).json(), [true, false])
  })

  t.test('a URL whatever a client puts into target and Host, or refuses it (P35)', async t => {
    const client = await testClient(
      t,
      tell(({ url }) => url.href),
      { transport },
    )
    const answer = async (target: string, host: string) => {
      const raw = client.connect()
      await raw.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      return raw.receiveUntil(/\r\n\r\n.+/)
    }

    t.match(await answer('//evil.example/<x>?"', 'a'), '"http://a//evil.example/%3Cx%3E?%22"')
    t.match(await answer('/', '[::1]:80'), '"http://[::1]/"')
    for (const host of ['256.1.1.1', '127.1', 'a..b', '[:::]', 'a:99999']) {
      t.match(await answer('/', host), /^HTTP\/1\.1 400 /, host)
      t.match(await answer(`http://${host}/`, 'a'), /^HTTP\/1\.1 400 /, host)
    }
  })

  t.test('what was sent', async t => {
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
})

t.test('a request tells what TLS knows of the client', async t => {
  const file = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../test/fixtures/tls-${name}`, import.meta.url)))
  const [cert, key] = [file('first.crt'), file('first.key')]
  const client = { cert: file('second.crt'), key: file('second.key') }
  const app = new Application()
  app.get('/', ({ tls, secure, scheme }) => {
    const { subject } = tls!.getPeerCertificate()
    return text(JSON.stringify([scheme, secure, tls!.authorized, tls!.getProtocol(), subject.CN]))
  })
  const runner = new AppRunner(app)
  await runner.startup()
  t.teardown(() => runner.stop())
  const tls = { cert, key, ca: client.cert, requestCert: true, minVersion: 'TLSv1.3' } as const
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0, tls })

  const body = await new Promise<string>((resolve, reject) => {
    httpsGet(url, { ...client, ca: cert, rejectUnauthorized: false, agent: false }, response => {
      response.setEncoding('utf8').on('data', resolve)
    }).on('error', reject)
  })

  t.match(JSON.parse(body), ['https', true, true, 'TLSv1.3', /./])
})

t.test('a request', async t => {
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
})
