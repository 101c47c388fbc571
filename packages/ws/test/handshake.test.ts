import { Application, createLogger, HttpForbidden, HttpUnauthorized, html } from '@allium/core'
import type { TestClient, TransportName } from '@allium/testing'
import { testClient } from '@allium/testing'
import { canUpgrade, websocket, WebSocketResponse } from '@allium/ws'
import type { WebSocketOptions } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'

import { open } from './peer.ts'
import { overEachTransport } from './transports.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HANDSHAKE = {
  host: 'localhost',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': KEY,
}
const silent = createLogger('error', () => {})

overEachTransport('a handshake', (t, transport) => {
  t.test('is completed as RFC 6455 §4.2.2 says (P44)', async t => {
    const head = await handshake(await start(t, transport), {})

    t.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    t.match(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/)
    t.notMatch(head, /sec-websocket-(?:protocol|extensions)/i)
  })

  t.test('is refused with 426 where there is none, and names what is spoken (P44)', async t => {
    const client = await start(t, transport)

    const response = await client.get('/')

    t.equal(response.status, 426)
    t.equal(response.headers.get('upgrade'), 'websocket')
    t.equal(response.headers.get('sec-websocket-version'), '13')
  })

  for (const [name, fields, status] of [
    ['of version 8', { 'sec-websocket-version': '8' }, 426],
    ['of version 0', { 'sec-websocket-version': '0' }, 426],
    ['of no version', { 'sec-websocket-version': undefined }, 426],
    ['of two versions', { 'sec-websocket-version': '13, 13' }, 426],
    ['without Connection: Upgrade', { connection: 'keep-alive' }, 426],
    ['of another protocol', { upgrade: 'h2c' }, 426],
    ['without a key', { 'sec-websocket-key': undefined }, 400],
    ['with a short key', { 'sec-websocket-key': 'c2hvcnQ=' }, 400],
    ['with a key that is no base64', { 'sec-websocket-key': `${KEY.slice(0, -3)}!==` }, 400],
    ['with a key of 17 bytes', { 'sec-websocket-key': `${'A'.repeat(22)}A=` }, 400],
    ['with broken sub-protocols', { 'sec-websocket-protocol': 'a,,b' }, 400],
    ['with a sub-protocol twice', { 'sec-websocket-protocol': 'a, a' }, 400],
    ['with broken extensions', { 'sec-websocket-extensions': 'permessage-deflate; =1' }, 400],
    ['from another origin', { origin: 'http://evil.example' }, 403],
    ['from an opaque origin', { origin: 'null' }, 403],
    ['from two origins', { origin: 'http://localhost, http://evil.example' }, 403],
  ] as const) {
    t.test(`${name} is refused with ${status} (P44)`, async t => {
      const client = await start(t, transport, { perMessageDeflate: true })

      const head = await handshake(client, fields)

      t.match(head, new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\n\\r\\n.`), head)
      t.equal((await client.get('/')).status, 426, 'the server serves on')
    })
  }

  t.test('may have been thrown out by a middleware, in an ordinary answer (P11, P44)', async t => {
    const app = new Application()
    app.use((request, next) => {
      if (request.headers.get('authorization') === null) throw new HttpUnauthorized()
      return next(request)
    })
    app.get(
      '/private',
      websocket(socket => socket.send('in')),
    )
    const client = await testClient(t, app, { transport })

    t.match(await handshake(client, {}, '/private'), /^HTTP\/1\.1 401 [^]*\r\ncontent-length: /i)
    t.match(await handshake(client, { authorization: 'x' }, '/private'), /^HTTP\/1\.1 101 /)
    t.match(await handshake(client, { authorization: 'x' }, '/missing'), /^HTTP\/1\.1 404 /)
  })

  t.test('carries the header fields and cookies of middlewares, and none of its own twice (P44)', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      response.headers.set('x-layer', String(response.status))
      response.headers.set('sec-websocket-accept', 'forged')
      response.cookies.set('seen', 'yes')
      return response
    })
    app.get(
      '/',
      websocket(() => {}),
    )
    const head = await handshake(await testClient(t, app, { transport }), {})

    t.match(head, /\r\nx-layer: 101\r\n/)
    t.match(head, /\r\nset-cookie: seen=yes; /)
    t.equal(head.match(/sec-websocket-accept/gi)?.length, 1)
    t.notMatch(head, /forged/)
  })

  t.test('gives the first sub-protocol of the client that is spoken here (W5)', async t => {
    const client = await start(t, transport, { protocols: ['chat.v1', 'chat.v2'] })

    const peer = await open(client, '/', { protocols: ['soap', 'chat.v2', 'chat.v1'] })

    t.equal(peer.socket.protocol, 'chat.v2')
    t.equal(await peer.next(), 'chat.v2')
    t.notMatch(await handshake(client, { 'sec-websocket-protocol': 'soap' }), /sec-websocket-protocol/i)
  })

  t.test('compresses only where that was asked for, by both', async t => {
    const offer = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' }
    const compressing = await start(t, transport, { perMessageDeflate: { clientMaxWindowBits: 10 } })

    t.notMatch(await handshake(await start(t, transport), offer), /sec-websocket-extensions/i)
    t.match(
      await handshake(compressing, offer),
      /permessage-deflate; client_max_window_bits=10; server_no_context_takeover; client_no_context_takeover\r\n/,
    )
    const cannotLimit = { 'sec-websocket-extensions': 'permessage-deflate' }
    t.notMatch(
      await handshake(compressing, cannotLimit),
      /sec-websocket-extensions/i,
      'declined, not refused',
    )
  })

  t.test('on a connection that dies during it leaves the server as it was (P44)', async t => {
    const client = await start(t, transport)

    for (const cut of [20, 60, 100, 140]) {
      const raw = client.connect()
      await raw.send(textOf({}, '/').slice(0, cut))
      raw.destroy()
    }
    const raw = client.connect()
    await raw.send(textOf({}, '/'))
    raw.destroy()
    await raw.closed

    t.match(await handshake(client, {}), /^HTTP\/1\.1 101 /)
  })
})

t.test('allowedOrigins', async t => {
  for (const [name, host, origin, options, isAllowed] of [
    ['same origin', 'app.example', 'https://app.example', {}, true],
    ['same origin, with its default port', 'app.example:443', 'https://app.example', {}, true],
    ['same origin, with a port', 'app.example:8080', 'http://app.example:8080', {}, true],
    ['another port', 'app.example:8080', 'http://app.example:8081', {}, false],
    ['a sub-domain', 'app.example', 'https://evil.app.example', {}, false],
    ['a path behind it', 'app.example', 'https://app.example/', {}, false],
    ['a user before it', 'app.example', 'https://x@app.example', {}, false],
    ['no origin: no browser', 'app.example', undefined, {}, true],
    ['one of a list', 'a.example', 'https://b.example', { allowedOrigins: ['https://b.example'] }, true],
    [
      'the own one, off the list',
      'a.example',
      'https://a.example',
      { allowedOrigins: 'https://b.example' },
      false,
    ],
    [
      'the own one, on the list',
      'a.example',
      'https://a.example',
      { allowedOrigins: ['same-origin', 'https://b.example'] },
      true,
    ],
    [
      'an expression',
      'a.example',
      'https://x.b.example',
      { allowedOrigins: /https:\/\/\w+\.b\.example/ },
      true,
    ],
    [
      'more than an expression',
      'a.example',
      'https://b.example.evil',
      { allowedOrigins: /.*b\.example/ },
      false,
    ],
    ['any', 'a.example', 'https://c.example', { allowedOrigins: '*' }, true],
    [
      'a function',
      'a.example',
      'https://c.example',
      { allowedOrigins: async (o: string) => o.endsWith('c.example') },
      true,
    ],
  ] as const) {
    t.test(`${name} is ${isAllowed ? 'let in' : 'refused'} (P44)`, async t => {
      const head = await handshake(await start(t, 'memory', options), { host, origin })

      t.match(head, isAllowed ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 403 /)
    })
  }

  t.test('over TLS a page without TLS is another origin', async t => {
    const client = (await start(t, 'memory')).fork({ encrypted: true })
    const host = 'a.example'

    t.match(await handshake(client, { host, origin: 'http://a.example' }), /^HTTP\/1\.1 403 /)
    t.match(await handshake(client, { host, origin: 'https://a.example' }), /^HTTP\/1\.1 101 /)
  })

  t.test('refuses at once what is no origin', async t => {
    for (const allowedOrigins of ['https://a.example/', 'a.example', 'HTTPS://A.example']) {
      t.throws(() => websocket(() => {}, { allowedOrigins }), TypeError)
    }
  })
})

t.test('canUpgrade() lets one route serve a page and a WebSocket (W4)', async t => {
  const socket = websocket(socket => socket.send('hello'))
  const app = new Application()
  app.get('/', request => (canUpgrade(request) ? socket(request) : html('<h1>page</h1>')))
  const client = await testClient(t, app)

  t.equal(await (await client.get('/')).text(), '<h1>page</h1>')
  t.equal(await (await open(client, '/')).next(), 'hello')
})

t.test('params of the path are typed in the conversation', async t => {
  const app = new Application()
  app.get(
    '/rooms/:room',
    websocket((socket, request) => socket.send(request.params.room)),
  )

  t.equal(await (await open(await testClient(t, app), '/rooms/blue')).next(), 'blue')
})

t.test('a hook that throws is answered in place of the 101 (P44)', async t => {
  const app = new Application()
  app.onResponsePrepare.add(() => {
    throw new HttpForbidden()
  })
  app.get(
    '/',
    websocket(() => {}),
  )

  t.match(await handshake(await testClient(t, app), {}), /^HTTP\/1\.1 403 /)
})

t.test('options that cannot be meant are refused when the route is made', async t => {
  for (const options of [
    { heartbeat: 0 },
    { heartbeat: 1000, pongTimeout: 2000 },
    { maxMessageSize: -1 },
    { maxFragments: NaN },
    { rate: { messages: 0 } },
    { rate: { messages: 1, interval: 0 } },
  ] satisfies WebSocketOptions[]) {
    t.throws(() => new WebSocketResponse(options), RangeError, JSON.stringify(options))
  }
  t.throws(() => websocket(() => {}, { protocols: ['two words'] }), TypeError)
})

async function start(t: Test, transport: TransportName, options?: WebSocketOptions): Promise<TestClient> {
  const app = new Application({ logger: silent })
  app.get(
    '/',
    websocket(async socket => {
      await socket.send(String(socket.protocol))
      for await (const message of socket) await socket.send(message.text())
    }, options),
  )
  return testClient(t, app, { transport })
}

type Fields = Readonly<Record<string, string | undefined>>

function textOf(fields: Fields, path: string): string {
  const lines = Object.entries({ ...HANDSHAKE, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  )
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** The answer to a handshake, up to the first byte of its body. */
async function handshake(client: TestClient, fields: Fields, path = '/'): Promise<string> {
  const raw = client.connect()
  await raw.send(textOf(fields, path))
  const head = await raw.receiveUntil(/\r\n\r\n./s)
  raw.destroy()
  return head
}
