import type { Socket } from 'node:net'
import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { Application, createLogger, RequestAborted } from '@allium/core'
import type { AnyParams } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient, TestClientOptions } from '@allium/testing'
import { Channels, websocket, WebSocketResponse } from '@allium/ws'
import type { Conversation, WebSocketOptions } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'

import { open } from './peer.ts'
import { closeFrame, frame, openRaw } from './raw-frames.ts'
import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})
const SOME = 1024 * 1024
const MUCH = 'x'.repeat(8 * 1024 * 1024)

overEachTransport('while a client does not read', (t, transport) => {
  t.test('a ping of the handler waits, and leaves when the client reads again', async t => {
    let ping: Promise<void> | undefined
    const client = await serve(t, { transport }, async socket => {
      await socket.receive()
      sendMuch(socket)
      ping = socket.ping('late')
      await socket.receive()
    })
    const raw = await openRaw(client)
    raw.raw.pause()
    await raw.send(frame({ opcode: 1, payload: 'go' }))
    while (ping === undefined) await soon('')
    t.equal(await Promise.race([ping, soon('waits')]), 'waits')

    raw.raw.resume()
    const late = frame({ opcode: 9, payload: 'late', isMasked: false }).toString('latin1')
    t.match(await raw.receiveUntil(late), /late/)
    t.equal(await ping, undefined)
    raw.destroy()
  })

  t.test('a ping beyond maxUnsent cuts the connection (P46)', async t => {
    const outcomes: unknown[] = []
    const client = await serve(
      t,
      { transport },
      async socket => {
        await socket.receive()
        socket.send(MUCH).catch(() => {})
        await socket.ping().catch((error: unknown) => outcomes.push(error))
        await socket.pong().catch((error: unknown) => outcomes.push(error))
      },
      { maxUnsent: 1000 },
    )
    const raw = await openRaw(client)
    raw.raw.pause()
    await raw.send(frame({ opcode: 1, payload: 'go' }))

    while (outcomes.length < 2) await soon('')
    t.match(outcomes, [{ name: 'WebSocketClosed' }, { name: 'WebSocketClosed' }])
    raw.destroy()
  })

  t.test('only its latest ping is answered (RFC 6455 §5.5.3)', async t => {
    const client = await serve(t, { transport }, async socket => {
      await socket.receive()
      sendMuch(socket)
      await socket.receive()
    })
    const raw = await openRaw(client)
    raw.raw.pause()
    await raw.send(frame({ opcode: 1, payload: 'go' }))
    await soon('')
    for (const payload of ['one', 'two', 'three']) await raw.send(frame({ opcode: 9, payload }))
    await soon('')

    raw.raw.resume()
    const pong = frame({ opcode: 10, payload: 'three', isMasked: false }).toString('latin1')
    const received = await raw.receiveUntil(pong)
    t.notMatch(received.replaceAll('x', ''), /one|two/)
    raw.destroy()
  })

  t.test('a broadcast that waits for everybody cuts who has more than maxUnsent (P47)', async t => {
    const app = new Application({ logger: silent })
    const channels = new Channels(app, { slowConsumers: 'wait' })
    app.get('/', websocket(join, { maxUnsent: 1000 }))
    async function join(socket: WebSocketResponse): Promise<void> {
      await channels.get('room').join(socket)
      await socket.receive()
    }
    const client = await testClient(t, app, { transport })
    const raw = await openRaw(client)
    raw.raw.pause()
    while (channels.get('room').size === 0) await soon('')

    void channels.get('room').broadcast(MUCH)
    await channels.get('room').broadcast('and more')

    while (channels.get('room').size === 1) await soon('')
    t.equal(channels.get('room').size, 0)
    raw.destroy()
  })
})

t.test(
  'a client that sends without end is read a little at a time: others have their turn (P46)',
  async t => {
    for (const [name, opcode, isOver] of [
      ['messages', 1, false],
      ['pings', 9, false],
      ['pongs', 10, false],
      ['messages after a close', 1, true],
    ] as const) {
      let most = 0
      const client = await serve(t, { transport: 'tcp' }, async (socket, request) => {
        void watchTurns(request.raw.socket, bytes => (most = Math.max(most, bytes)))
        while (!isOver && (await socket.receive()));
      })
      const raw = await openRaw(client)

      await raw.send(Buffer.alloc(300_000 * 7, frame({ opcode, payload: 'x' })))
      await raw.send(frame({ opcode: 8, payload: Buffer.from([3, 232]) }))

      t.ok((await raw.receive()).includes(closeFrame(1000)))
      t.ok(most > 0 && most < 20_000 * 7, `${most} bytes of ${name} in a turn`)
    }
  },
)

t.test('what is received is not held up by the fake timers of a test', async t => {
  const client = await serve(t, {}, async socket => {
    for (let i = 0; i < 100; i++) await socket.receive()
    await socket.close(1000, 'all')
  })
  const peer = await open(client, '/')
  mock.timers.enable({ apis: ['setImmediate'] })
  t.teardown(() => mock.timers.reset())

  peer.socket.ping()
  for (let i = 0; i < 100; i++) peer.socket.send('x')

  t.same(await peer.closed, [1000, 'all'])
})

t.test('what is being compressed when the connection breaks has not left', async t => {
  const outcomes: unknown[] = []
  const client = await serve(
    t,
    {},
    async socket => {
      const sending = socket.sendBytes(Buffer.from(MUCH))
      socket.terminate()
      await sending.catch((error: unknown) => outcomes.push(error))
    },
    { perMessageDeflate: true },
  )
  const peer = await open(client, '/', { perMessageDeflate: true })
  await peer.closed
  await soon('')

  t.match(outcomes, [{ name: 'WebSocketClosed', closeCode: 1006 }])
})

t.test('a ping after the close of the server is not answered', async t => {
  const client = await serve(t, {}, async socket => socket.close(1000), { closeTimeout: 100 })
  const raw = await openRaw(client)

  await raw.send(frame({ opcode: 9, payload: 'too late' }))

  t.notMatch(await raw.receive(), /too late/)
})

t.test('limits can be switched off, and both contexts kept within windows of their own', async t => {
  const client = await serve(
    t,
    {},
    async socket => {
      for await (const message of socket) await socket.send(message.text())
    },
    {
      maxMessageSize: Infinity,
      maxFragments: Infinity,
      closeTimeout: Infinity,
      perMessageDeflate: {
        threshold: 0,
        serverContextTakeover: true,
        clientContextTakeover: true,
        serverMaxWindowBits: 10,
        clientMaxWindowBits: 10,
      },
    },
  )
  const peer = await open(client, '/', { perMessageDeflate: { threshold: 0 } })
  const extensions = peer.response?.headers['sec-websocket-extensions']
  t.match(extensions, /^permessage-deflate;.*server_max_window_bits=10/)

  peer.socket.send(MUCH)
  t.equal(await peer.next(), MUCH)
  peer.socket.close(1000)
  t.same(await peer.closed, [1000, ''])
})

t.test(
  'what a client wants of compression and cannot have is left out, what means nothing refused',
  async t => {
    const client = await serve(t, {}, async socket => void (await socket.receive()), {
      perMessageDeflate: { serverMaxWindowBits: 12 },
    })
    const answers: string[] = []
    for (const bits of [9, 99]) {
      const raw = client.connect()
      await raw.send(
        `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=${bits}\r\n\r\n`,
      )
      answers.push(await raw.receiveUntil('\r\n\r\n'))
      raw.destroy()
    }

    t.match(answers, [/^HTTP\/1.1 101 /, /^HTTP\/1.1 400 /])
    t.notMatch(answers[0], /sec-websocket-extensions/i)
  },
)

t.test('a conversation that ends with the request closes with 1001', async t => {
  const client = await serve(t, {}, () => Promise.reject(new RequestAborted('shutdown')), {
    rate: { messages: 10 },
  })
  const peer = await open(client, '/')

  t.same(await peer.closed, [1001, ''])
})

t.test('a schema that gives no reasons refuses all the same', async t => {
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [] }) },
  } as const
  const errors: unknown[] = []
  const client = await serve(t, {}, async socket => {
    await socket.receiveJson({ schema }).catch((error: unknown) => errors.push(error))
  })
  const peer = await open(client, '/')
  peer.socket.send('{}')
  await peer.closed

  t.match(errors, [{ name: 'InvalidMessage', message: /it does not fit$/ }])
})

t.test('a broadcast leaves nobody out for a WebSocket that is not open', async t => {
  const app = new Application({ logger: silent })
  const channels = new Channels(app)
  app.get('/', websocket(join))
  async function join(socket: WebSocketResponse): Promise<void> {
    await channels.get('room').join(socket)
    await socket.receive()
  }
  const peer = await open(await testClient(t, app), '/')
  while (channels.get('room').size === 0) await soon('')

  await channels.get('room').broadcast('to all', { except: new WebSocketResponse() })
  t.equal(await peer.next(), 'to all')
  peer.socket.close()
})

async function serve(
  t: Test,
  clientOptions: TestClientOptions,
  converse: Conversation<AnyParams>,
  options: WebSocketOptions = {},
): Promise<TestClient> {
  const app = new Application({ logger: silent })
  app.get('/', websocket(converse, options))
  return testClient(t, app, clientOptions)
}

/** In messages: one is taken in one piece in memory, however large it is. */
function sendMuch(socket: WebSocketResponse): void {
  for (let i = 0; i < 8; i++) socket.send(MUCH.slice(i * SOME, (i + 1) * SOME)).catch(() => {})
}

function soon<Value>(value: Value): Promise<Value> {
  return new Promise(resolve => setTimeout(resolve, 50, value))
}

/** Tells how many bytes a socket has received in each turn of the event loop, for as long as it is open. */
async function watchTurns(socket: Socket, tell: (bytes: number) => void): Promise<void> {
  while (!socket.destroyed) {
    const before = socket.bytesRead
    await nextTurn()
    tell(socket.bytesRead - before)
  }
}
