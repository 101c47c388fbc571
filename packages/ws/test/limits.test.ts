import { once } from 'node:events'
import { deflateRawSync } from 'node:zlib'

import { Application, createLogger } from '@allium/core'
import type { AnyParams } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient, TestClientOptions } from '@allium/testing'
import { websocket } from '@allium/ws'
import type { Conversation, WebSocketOptions, WebSocketResponse } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'

import { open } from './peer.ts'
import { closeFrame, frame, openRaw } from './raw-frames.ts'
import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})
const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate\r\n'

async function echo(socket: WebSocketResponse): Promise<void> {
  for await (const message of socket) await socket.send(message.text())
}

overEachTransport('limits', (t, transport) => {
  t.test('a message above maxMessageSize closes with 1009, one of that size does not (W16, P45)', async t => {
    const client = await serve(t, echo, { maxMessageSize: 100 }, { transport })
    const peer = await open(client, '/')

    peer.socket.send('x'.repeat(100))
    t.equal(await peer.next(), 'x'.repeat(100))
    peer.socket.send('x'.repeat(101))
    t.same(await peer.closed, [1009, ''])
  })

  t.test('fragments count together, before the last has come (P45)', async t => {
    const raw = await openRaw(await serve(t, echo, { maxMessageSize: 100 }, { transport }))

    await raw.send(frame({ opcode: 1, flags: 0, payload: 'x'.repeat(60) }))
    await raw.send(frame({ opcode: 0, flags: 0, payload: 'x'.repeat(60) }))

    t.equal(await raw.receiveUntil(closeFrame(1009)), closeFrame(1009))
  })

  t.test('inflated bytes count, while they are inflated (P45)', async t => {
    const client = await serve(t, echo, { perMessageDeflate: true }, { transport })
    const raw = await openRaw(client, '/', DEFLATE)
    const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { finishFlush: 2 })

    await raw.send(frame({ opcode: 1, flags: 12, payload: bomb }))

    t.equal(await raw.receiveUntil(closeFrame(1009)), closeFrame(1009))
  })

  t.test('a limit that is changed after the login holds from then on, inflated too', async t => {
    const login: Conversation<AnyParams> = async socket => {
      await socket.receiveText()
      socket.setMaxMessageSize(1000)
      await socket.send('welcome')
      await echo(socket)
    }
    for (const perMessageDeflate of [false, { threshold: 0 }]) {
      const client = await serve(t, login, { maxMessageSize: 10, perMessageDeflate }, { transport })
      const stranger = await open(client, '/')
      stranger.socket.send('x'.repeat(11))
      t.same(await stranger.closed, [1009, ''])

      const user = await open(client, '/')
      user.socket.send('login')
      t.equal(await user.next(), 'welcome')
      user.socket.send('x'.repeat(1000))
      t.equal(await user.next(), 'x'.repeat(1000))
      user.socket.send('x'.repeat(1001))
      t.same(await user.closed, [1009, ''])
    }
  })

  t.test('more fragments than maxFragments close with 1008 (P45)', async t => {
    const raw = await openRaw(await serve(t, echo, { maxFragments: 10 }, { transport }))

    await raw.send(frame({ opcode: 1, flags: 0 }))
    await raw.send(Buffer.concat(Array(10).fill(frame({ opcode: 0, flags: 0 }))))

    t.equal(await raw.receiveUntil(closeFrame(1008)), closeFrame(1008))
  })

  t.test('more messages than the rate allows close with 1008 (P46)', async t => {
    const client = await serve(t, echo, { rate: { messages: 5, interval: 60_000 } }, { transport })
    const peer = await open(client, '/')

    for (let i = 0; i < 6; i++) peer.socket.send('x')

    t.same(await peer.closed, [1008, 'Too many messages'])
  })

  t.test('what nobody reads is not received: the client has to wait (P46)', async t => {
    let socket: WebSocketResponse | undefined
    const client = await serve(t, converse, {}, { transport })
    async function converse(opened: WebSocketResponse): Promise<void> {
      socket = opened
      await opened.receive()
      await new Promise(resolve => opened.signal.addEventListener('abort', resolve))
    }
    const peer = await open(client, '/')
    const piece = Buffer.alloc(256 * 1024)

    for (let i = 0; i < 100; i++) peer.socket.send(piece)
    await new Promise(resolve => setTimeout(resolve, 200))

    t.ok(peer.socket.bufferedAmount > 10 * 1024 * 1024, `${peer.socket.bufferedAmount} bytes are held back`)
    t.equal(socket?.state, 'open')
    peer.socket.terminate()
  })

  t.test('compressed messages that nobody reads are not inflated (P46)', async t => {
    let received = 0
    const client = await serve(
      t,
      async socket => {
        await new Promise(resolve => setTimeout(resolve, 100))
        const before = process.memoryUsage().arrayBuffers
        received = before
        for await (const message of socket) if (message.size > 0) received++
      },
      { perMessageDeflate: true },
      { transport },
    )
    const before = process.memoryUsage().arrayBuffers
    const raw = await openRaw(client, '/', DEFLATE)
    const squeezed = deflateRawSync(Buffer.alloc(4 * 1024 * 1024, 'a'), { finishFlush: 2 })

    await raw.send(Buffer.concat(Array(14).fill(frame({ opcode: 1, flags: 12, payload: squeezed }))))
    await new Promise(resolve => setTimeout(resolve, 150))
    t.ok(received - before < 20 * 1024 * 1024, `${received - before} bytes`)
    await raw.send(frame({ opcode: 8, payload: '\x03\xe8' }))
    raw.destroy()
  })

  t.test('a client that never reads is cut once a send has waited for sendTimeout (P46)', async t => {
    const outcomes: unknown[] = []
    const client = await serve(
      t,
      async socket => {
        try {
          for (;;) await socket.sendBytes(Buffer.alloc(1024 * 1024))
        } catch (error) {
          outcomes.push(error, socket.failure?.message)
        }
      },
      { sendTimeout: 50 },
      { transport },
    )
    const raw = await openRaw(client)
    raw.raw.pause()

    while (outcomes.length === 0) await new Promise(resolve => setTimeout(resolve, 10))

    t.match(outcomes, [{ name: 'WebSocketClosed', closeCode: 1006 }, 'The client has read nothing for 50 ms'])
  })

  t.test(
    'a client that reads, however slowly, is not cut: neither within one message, nor of several senders',
    async t => {
      const piece = 8 * 1024 * 1024
      const outcomes: unknown[] = []
      const client = await serve(
        t,
        async socket => {
          await socket.receive()
          const sends = [piece, 3 * piece, piece].map(size => socket.sendBytes(Buffer.alloc(size)))
          outcomes.push(...(await Promise.allSettled(sends)), socket.failure)
        },
        { sendTimeout: 1000, maxUnsent: Infinity },
        { transport, clock: 'virtual' },
      )
      const connection = await openRaw(client)
      const { raw } = connection
      let received = 0
      raw.on('data', (bytes: Buffer) => (received += bytes.length)).pause()
      await connection.send(frame({ opcode: 1 }))

      for (let i = 1; i <= 5; i++) {
        raw.resume()
        while (received < i * piece) await once(raw, 'data')
        raw.pause()
        await client.advance(999)
      }

      t.match(outcomes, [...Array<object>(3).fill({ status: 'fulfilled' }), undefined])
    },
  )

  t.test('senders that do not wait cannot pile up more than maxUnsent (P46)', async t => {
    const outcomes: unknown[] = []
    const client = await serve(
      t,
      async socket => {
        for (let i = 0; i < 100; i++) {
          socket.send('x'.repeat(1_000_000)).catch((error: unknown) => outcomes.push(error))
        }
        outcomes.push(socket.unsent < 2_100_000, socket.state)
      },
      { maxUnsent: 1_000_000 },
      { transport },
    )
    const raw = await openRaw(client)
    raw.raw.pause()

    while (outcomes.length < 50) await new Promise(resolve => setTimeout(resolve, 10))

    t.same(outcomes.slice(0, 2), [true, 'closing'])
    raw.destroy()
  })
})

t.test('the heartbeat, in virtual time', async t => {
  t.test('pings at intervals, and keeps who answers (W15)', async t => {
    const client = await serve(t, echo, { heartbeat: 1000 }, { clock: 'virtual' })
    const peer = await open(client, '/')
    let pings = 0
    peer.socket.on('ping', () => pings++)

    for (let i = 0; i < 5; i++) await client.advance(1000)

    t.equal(pings, 5)
    t.equal(peer.socket.readyState, 1)
  })

  t.test('cuts who is silent within two heartbeats (P46)', async t => {
    const client = await serve(t, echo, { heartbeat: 1000 }, { clock: 'virtual' })
    const raw = await openRaw(client)

    await client.advance(1999)
    await raw.receiveUntil(frame({ opcode: 9, isMasked: false }).toString('latin1'))
    const end = raw.receive()
    await client.advance(1)

    t.equal(await end, '')
  })

  t.test('waits for pongTimeout only, and anything that comes is a sign of life', async t => {
    const client = await serve(t, echo, { heartbeat: 1000, pongTimeout: 100 }, { clock: 'virtual' })
    const raw = await openRaw(client)

    await client.advance(1050)
    await raw.send(frame({ opcode: 1, payload: 'alive' }))
    await raw.receiveUntil('alive')
    await client.advance(1049)
    const end = raw.receive()
    await client.advance(1)

    t.equal(await end, frame({ opcode: 9, isMasked: false }).toString('latin1'))
  })

  t.test('does not count silence while receiving is paused', async t => {
    let go = () => {}
    const gate = new Promise<void>(resolve => (go = resolve))
    const client = await serve(
      t,
      async socket => {
        await gate
        await echo(socket)
      },
      { heartbeat: 1000 },
      { clock: 'virtual' },
    )
    const peer = await open(client, '/')
    for (let i = 0; i < 40; i++) peer.socket.send(String(i).padEnd(10_000))
    await client.settle()

    await client.advance(10_000)
    go()
    for (let i = 0; i < 40; i++) t.equal(await peer.next(), String(i).padEnd(10_000))
  })

  t.test('can be switched off', async t => {
    const client = await serve(t, echo, { heartbeat: Infinity }, { clock: 'virtual' })
    const raw = await openRaw(client)

    await client.advance(24 * 60 * 60_000)
    await raw.send(frame({ opcode: 1, payload: 'alive' }))

    t.match(await raw.receiveUntil('alive'), 'alive')
  })

  t.test('a rate lets through what its interval allows', async t => {
    const client = await serve(t, echo, { rate: { messages: 2, interval: 1000 } }, { clock: 'virtual' })
    const peer = await open(client, '/')

    for (let second = 0; second < 3; second++) {
      for (const text of ['a', 'b']) {
        peer.socket.send(text)
        t.equal(await peer.next(), text)
      }
      await client.advance(1000)
    }
  })
})

async function serve(
  t: Test,
  converse: Conversation<AnyParams>,
  options: WebSocketOptions,
  client: TestClientOptions = {},
): Promise<TestClient> {
  const app = new Application({ logger: silent })
  app.get('/', websocket(converse, options))
  return testClient(t, app, client)
}
