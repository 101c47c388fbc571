import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Application, AppRunner, createLogger, json, text } from '@allium/core'
import type { AccessEntry, ApplicationOptions, Request } from '@allium/core'
import { testClient } from '@allium/testing'
import fc from 'fast-check'
import t from 'tap'

import { overEachTransport } from './transports.ts'

/** An application that tells what it believes of the client. */
function createApp(options: ApplicationOptions = {}): Application {
  const app = new Application({ logger: createLogger('error', () => {}), ...options })
  app.get('/*', ({ remote, scheme, secure, host, url }) =>
    json({ remote, scheme, secure, host, url: url.href }),
  )
  return app
}

overEachTransport('behind proxies', (t, transport) => {
  t.test('the connection and the Host field count unless the peer is trusted (P36)', async t => {
    const client = await testClient(t, createApp({ trustProxy: '192.0.2.1' }), { transport })
    const headers = {
      host: 'own.example',
      'x-forwarded-for': '1.1.1.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a.example',
    }

    t.strictSame(await (await client.get('/x?y=1', { headers })).json(), {
      remote: '127.0.0.1',
      scheme: 'http',
      secure: false,
      host: 'own.example',
      url: 'http://own.example/x?y=1',
    })
  })

  t.test('a trusted proxy tells address, scheme and host', async t => {
    const client = await testClient(t, createApp({ trustProxy: 'loopback' }), { transport })
    const headers = {
      'x-forwarded-for': '6.6.6.6, 2001:DB8::1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a.example',
    }

    t.strictSame(await (await client.get('/x?y=1', { headers })).json(), {
      remote: '2001:db8::1',
      scheme: 'https',
      secure: true,
      host: 'a.example',
      url: 'https://a.example/x?y=1',
    })
  })

  t.test('nothing that an untrusted peer writes changes anything (P36)', async t => {
    const client = await testClient(t, createApp({ trustProxy: ['10.0.0.0/8', 'unix'] }), { transport })
    const expected = await (await client.get('/', { headers: { host: 'own.example' } })).text()
    const name = fc.constantFrom(
      ...['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port'],
      ...['x-real-ip', 'x-forwarded-scheme', 'x-forwarded-ssl', 'front-end-https', 'via', 'cf-connecting-ip'],
    )
    const piece = fc.constantFrom(
      'for=',
      'host=',
      'proto=',
      'https',
      '10.0.0.1',
      '[::1]',
      'a.example',
      '"',
      ',',
      ';',
      ' ',
      '\\',
    )
    const value = fc.array(fc.oneof(piece, fc.string({ unit: 'grapheme-ascii' })), { maxLength: 12 })
    const headers = fc.array(
      fc.tuple(
        name,
        value.map(pieces => pieces.join('')),
      ),
      { minLength: 1, maxLength: 8 },
    )

    await fc.assert(
      fc.asyncProperty(headers, async spoofed => {
        const response = await client.get('/', { headers: [['host', 'own.example'], ...spoofed] })
        t.equal(await response.text(), expected)
      }),
      { numRuns: 200 },
    )
  })

  t.test('a trusted proxy can pass anything on without harm (P35, P36)', async t => {
    const client = await testClient(t, createApp({ trustProxy: { peers: 1, header: 'forwarded' } }), {
      transport,
    })
    const value = fc.string({ unit: 'grapheme-ascii' })

    await fc.assert(
      fc.asyncProperty(value, async written => {
        const forwarded = `${written}, for=1.1.1.1;proto=https`
        const response = await client.get('/', { headers: { host: 'own.example', forwarded } })
        t.match(await response.json(), { remote: '1.1.1.1', scheme: 'https', host: 'own.example' })
      }),
      { numRuns: 200 },
    )
  })

  t.test('allowedHosts and host mounts go by the host that the client asked for (P10, P35)', async t => {
    const app = createApp({ trustProxy: 1 })
    const api = new Application()
    api.get('/', () => text('api'))
    app.mountHost('api.example', api)
    const runner = { allowedHosts: ['own.example', 'api.example'] }
    const client = await testClient(t, app, { transport, runner })
    const get = (forwardedHost: string) =>
      client.get('/', { headers: { host: 'own.example', 'x-forwarded-host': forwardedHost } })

    t.equal(await (await get('API.example:443')).text(), 'api')
    t.equal((await get('evil.example')).status, 421)
    t.match(await (await get('e vil')).json(), { host: 'own.example' })
  })

  t.test('the outermost application decides whom to trust', async t => {
    const app = createApp()
    app.mount('/inner', createApp({ trustProxy: 1 }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/inner/', { headers: { 'x-forwarded-for': '1.1.1.1' } })

    t.match(await response.json(), { remote: '127.0.0.1' })
  })

  t.test('the client is still known when it has gone', async t => {
    const app = createApp({ trustProxy: 'loopback' })
    let remote: string | undefined
    app.post('/', async request => {
      await once(request.signal, 'abort')
      await new Promise(resolve => setTimeout(resolve, 20))
      remote = request.remote
      return text('')
    })
    let accessLog!: (entry: AccessEntry) => void
    const logged = new Promise<AccessEntry>(resolve => (accessLog = resolve))
    const client = await testClient(t, app, { transport, runner: { accessLog } })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n')
    await new Promise(resolve => setTimeout(resolve, 20))
    raw.destroy()

    t.match(await logged, { remote: '1.1.1.1', aborted: true })
    t.equal(remote, '1.1.1.1')
  })

  t.test('a middleware may say what a proxy tells in a field of its own', async t => {
    const app = createApp()
    app.use((request, next) => {
      const address = request.headers.get('cf-connecting-ip')
      if (request.remote === '127.0.0.1' && address) request.override({ remote: address, scheme: 'https' })
      return next(request)
    })
    const client = await testClient(t, app, { transport })

    const response = await client.get('/', { headers: { host: 'a', 'cf-connecting-ip': '::FFFF:1.1.1.1' } })

    t.match(await response.json(), { remote: '1.1.1.1', scheme: 'https', url: 'https://a/' })
  })

  t.test('request.override replaces what it is given and refuses what makes no sense', async t => {
    const app = new Application()
    const override = (request: Request, facts: unknown) => () =>
      request.override(facts as Parameters<Request['override']>[0])
    app.get('/', request => {
      t.equal(request.url.href, 'http://a/')
      request.override({ host: 'b:81' })
      t.equal(request.url.href, 'http://b:81/')
      t.equal(request.remote, '127.0.0.1')
      t.throws(override(request, { scheme: 'ftp' }), TypeError)
      t.throws(override(request, { host: 'a/b' }), TypeError)
      t.throws(override(request, { remote: 'a' }), {
        message: 'Cannot override the remote address of a request: "a" is none',
      })
      return text('')
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/', { headers: { host: 'a' } })).status, 200)
  })

  t.test(
    'request.forwarded shows the field to whoever asks, client first, whether trusted or not',
    async t => {
      const app = new Application()
      app.get('/', ({ forwarded }) => json(forwarded.map(element => Object.fromEntries(element))))
      const client = await testClient(t, app, { transport })
      const show = async (forwarded: string) => (await client.get('/', { headers: { forwarded } })).json()

      t.strictSame(await show('for=1.1.1.1;proto=https, for="[::1]:80"'), [
        { for: '1.1.1.1', proto: 'https' },
        { for: '[::1]:80' },
      ])
      t.strictSame(await show('for=1.1.1.1, junk, for=2.2.2.2'), [{ for: '2.2.2.2' }])
      t.strictSame(await (await client.get('/')).json(), [])
    },
  )
})

t.test('a unix socket is trusted when it is named, or counted', async t => {
  const headers = { host: 'a', 'x-forwarded-for': '1.1.1.1' }
  const remoteUnder = async (trustProxy: ApplicationOptions['trustProxy']) => {
    const client = await testClient(t, createApp({ trustProxy }), { transport: 'unix' })
    const response = await client.get('/', { headers })
    return (await response.json<{ remote?: string }>()).remote
  }

  t.equal(await remoteUnder(undefined), undefined)
  t.equal(await remoteUnder(['loopback']), undefined)
  t.equal(await remoteUnder(['unix']), '1.1.1.1')
  t.equal(await remoteUnder(1), '1.1.1.1')
})

t.test('an IPv4 client is known by its IPv4 address on a socket for both families', async t => {
  const runner = new AppRunner(createApp({ trustProxy: '192.0.2.1' }))
  await runner.startup()
  t.teardown(() => runner.stop())
  const { port } = await runner.listen({ host: '::', port: 0 })

  const body = await new Promise<string>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port }, response => {
      t.equal((response.socket.address() as AddressInfo).family, 'IPv4')
      response.setEncoding('utf8').on('data', resolve)
    })
    request.on('error', reject).end()
  })

  t.match(JSON.parse(body), { remote: '127.0.0.1' })
})
