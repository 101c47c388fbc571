import { Application, createLogger } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient, TransportName } from '@allium/testing'
import { Channels, MemoryBackplane, websocket, WebSocketResponse } from '@allium/ws'
import type { Backplane, BroadcastResult, ChannelsOptions, WebSocketOptions } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'

import { open } from './peer.ts'
import type { Peer } from './peer.ts'
import { frame, openRaw } from './raw-frames.ts'
import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

overEachTransport('channels', (t, transport) => {
  t.test('send to every member, but who is left out', async t => {
    const { client } = await chat(t, { transport })
    const [ada, bob, eve] = [
      await enter(client, '/blue'),
      await enter(client, '/blue'),
      await enter(client, '/red'),
    ]

    ada.socket.send('hello')

    t.equal(await bob.next(), 'hello')
    eve.socket.send('count')
    t.equal(await eve.next(), '{"size":1,"count":1}', 'nothing came before it')
    ada.socket.send('count')
    t.equal(await ada.next(), '{"size":2,"count":2}')
  })

  t.test('send bytes as bytes, of every size of frame', async t => {
    const { client, channels } = await chat(t, { transport })
    const [ada, bob] = [
      await enter(client, '/blue'),
      await enter(client, '/blue', { perMessageDeflate: true }),
    ]

    for (const size of [0, 125, 126, 65_535, 65_536, 300_000]) {
      const bytes = Buffer.alloc(size, 7)
      await channels.get('blue').broadcast(bytes, { slowConsumers: 'wait' })
      t.same(await ada.next(), bytes)
      t.same(await bob.next(), bytes)
      await channels.get('blue').broadcast('ü'.repeat(size / 2), { slowConsumers: 'wait' })
      t.equal(await ada.next(), 'ü'.repeat(size / 2))
      t.equal(await bob.next(), 'ü'.repeat(size / 2))
    }
  })

  t.test('compress where that was agreed on', async t => {
    const { client, channels } = await chat(t, { transport, socket: { perMessageDeflate: true } })
    const [plain, deflating] = [
      await enter(client, '/blue', { perMessageDeflate: false }),
      await enter(client, '/blue', { perMessageDeflate: true }),
    ]

    await channels.get('blue').broadcastJson(['x'.repeat(5000)])

    t.equal(await plain.next(), `["${'x'.repeat(5000)}"]`)
    t.equal(await deflating.next(), `["${'x'.repeat(5000)}"]`)
  })

  t.test('forget who leaves, and who is gone', async t => {
    const { client, channels } = await chat(t, { transport })
    const [ada, bob] = [await enter(client, '/blue'), await enter(client, '/blue')]
    const blue = channels.get('blue')

    ada.socket.send('leave')
    t.equal(await ada.next(), 'left')
    t.equal(blue.size, 1)
    bob.socket.terminate()
    await until(() => blue.size === 0)
    t.same(await blue.broadcast('anybody?'), { delivered: 0, dropped: 0, published: true })
  })

  t.test('drop what slow members cannot take, and nobody else waits (P47)', async t => {
    const { client, channels } = await chat(t, { transport, slowConsumers: 'drop' })
    const { slow, fast, results } = await flood(client, channels)

    t.ok(results.some(({ dropped, delivered }) => dropped === 1 && delivered === 1))
    t.equal((await fast.closedBy(10)) ?? 'open', 'open')
    t.equal(channels.get('blue').size, 2)
    slow.destroy()
  })

  t.test('disconnect slow members with 1013, and nobody else notices (P47)', async t => {
    const { client, channels } = await chat(t, { transport, socket: { closeTimeout: 50 } })
    const { fast } = await flood(client, channels)

    await until(() => channels.get('blue').size === 1)
    t.equal((await fast.closedBy(10)) ?? 'open', 'open')
  })

  t.test('may wait for the slowest, until its time to send is over (P47)', async t => {
    const { client, channels } = await chat(t, {
      transport,
      slowConsumers: 'wait',
      socket: { sendTimeout: 100 },
    })
    const alive = setInterval(() => {}, 1000) // in memory, nothing else keeps the process
    t.teardown(() => clearInterval(alive))
    const { results } = await flood(client, channels, 30)

    t.equal(
      results.every(({ dropped }) => dropped <= 1),
      true,
    )
    t.equal(channels.get('blue').size, 1)
  })
})

t.test('channels and their moments', async t => {
  t.test('a WebSocket that is not open yet cannot join, one that is closed does not', async t => {
    const app = new Application({ logger: silent })
    const channels = new Channels(app)
    const blue = channels.get('blue')
    app.get(
      '/',
      websocket(async socket => {
        await socket.close()
        await blue.join(socket)
        blue.leave(socket)
      }),
    )
    await t.rejects(blue.join(new WebSocketResponse()), { code: 'ERR_WEBSOCKET_STATE' })
    blue.leave(new WebSocketResponse())

    await (
      await open(await testClient(t, app), '/')
    ).closed
    t.equal(blue.size, 0)
    t.equal(blue.count, 0)
  })
})

t.test('channels over a backplane', async t => {
  t.test('reach members in every process, text and bytes, once each', async t => {
    const backplane = new MemoryBackplane()
    const [here, there] = [await chat(t, { backplane }), await chat(t, { backplane })]
    const [ada, bob] = [await enter(here.client, '/blue'), await enter(there.client, '/blue')]

    ada.socket.send('hello')
    t.equal(await bob.next(), 'hello')
    await there.channels.get('blue').broadcast(Buffer.from([1, 2, 255]))

    t.same(await ada.next(), Buffer.from([1, 2, 255]))
    t.same(await bob.next(), Buffer.from([1, 2, 255]))
  })

  t.test('count the members of all processes, in virtual time', async t => {
    const backplane = new MemoryBackplane()
    const clock = 'virtual'
    const [here, there] = [await chat(t, { backplane, clock }), await chat(t, { backplane, clock })]
    const [blue, alsoBlue] = [here.channels.get('blue'), there.channels.get('blue')]
    await enter(here.client, '/blue')
    await enter(there.client, '/blue')
    const bob = await enter(there.client, '/blue')
    const pass = async (ms: number) => {
      await here.client.advance(ms)
      await there.client.advance(ms)
    }

    await pass(50)
    t.same([blue.size, blue.count, alsoBlue.size, alsoBlue.count], [1, 3, 2, 3])
    bob.socket.terminate()
    await until(() => alsoBlue.size === 1)
    await pass(50)
    t.equal(blue.count, 2)
    await pass(60_000)
    t.equal(blue.count, 2, 'it is said again')
  })

  t.test('stay subscribed to what is left and joined again at once', async t => {
    const backplane = new MemoryBackplane()
    const { channels: elsewhere } = await chat(t, { backplane })
    const app = new Application({ logger: silent })
    const blue = new Channels(app, { backplane }).get('blue')
    app.get(
      '/',
      websocket(async socket => {
        void blue.join(socket)
        blue.leave(socket)
        await blue.join(socket)
        await elsewhere.get('blue').broadcast('hello')
        await socket.receive()
      }),
    )

    const peer = await open(await testClient(t, app), '/')

    t.equal(await peer.next(), 'hello')
  })

  t.test('forget the members of a process that has died after 30 s', async t => {
    const backplane = new MemoryBackplane()
    const { client, channels } = await chat(t, { backplane, clock: 'virtual' })
    await enter(client, '/blue')
    const other = await backplane.connect({
      clock: client.app.clock,
      logger: silent,
      onMessage: () => {},
      onGap: () => {},
    })
    await other.publish('blue', `c${'n'.repeat(36)}5`)
    t.equal(channels.get('blue').count, 6)

    await client.advance(30_000)

    t.equal(channels.get('blue').count, 1)
  })

  t.test('ignore what is no message of theirs', async t => {
    const backplane = new MemoryBackplane()
    const { client, channels } = await chat(t, { backplane })
    const ada = await enter(client, '/blue')
    const other = await backplane.connect({
      clock: client.app.clock,
      logger: silent,
      onMessage: () => {},
      onGap: () => {},
    })

    const node = 'n'.repeat(36)
    for (const text of ['', 'x', 'tshort', `c${node}-1`, `c${node}many`, `x${node}1`])
      await other.publish('blue', text)
    await other.publish('blue', `c${node}0`)
    await other.publish('blue', `t${node}real`)

    t.equal(await ada.next(), 'real')
    t.equal(channels.get('blue').count, 1)
  })

  t.test('serve this process when the backplane fails, and say so', async t => {
    const lines: string[] = []
    const failing: Backplane = {
      connect: async () => ({
        publish: () => Promise.reject(new Error('unreachable')),
        subscribe: async () => {},
        unsubscribe: () => Promise.reject(new Error('unreachable')),
        close: async () => {},
      }),
    }
    const { client, channels } = await chat(t, {
      backplane: failing,
      logger: createLogger('warn', line => lines.push(line)),
    })
    const ada = await enter(client, '/blue')

    t.same(await channels.get('blue').broadcast('hello'), { delivered: 1, dropped: 0, published: false })
    t.equal(await ada.next(), 'hello')
    ada.socket.close()
    await ada.closed
    await until(() => channels.get('blue').size === 0)
    await until(() => lines.length > 3)
    t.match(lines.join(), /unreachable/)
  })

  t.test('tell the application when messages may be missing', async t => {
    const gaps: unknown[] = []
    let listener: Parameters<Backplane['connect']>[0] | undefined
    const memory = new MemoryBackplane()
    const backplane: Backplane = { connect: given => memory.connect((listener = given)) }
    const { client, channels } = await chat(t, {
      backplane,
      onGap: channels => {
        gaps.push(channels)
        void channels.get('blue').broadcast('refresh')
      },
    })
    const ada = await enter(client, '/blue')

    listener?.onGap()

    t.equal(await ada.next(), 'refresh')
    t.same(gaps, [channels])
  })
})

interface ChatOptions extends ChannelsOptions {
  readonly transport?: TransportName
  readonly clock?: 'virtual'
  readonly socket?: WebSocketOptions
  readonly logger?: typeof silent
}

/** Rooms by path: what is said there goes to the others. */
async function chat(t: Test, { transport, clock, socket: options, logger = silent, ...rest }: ChatOptions) {
  const app = new Application({ logger })
  const channels = new Channels(app, rest)
  app.get(
    '/:room',
    websocket(async (socket, { params }) => {
      const room = channels.get(params.room)
      await room.join(socket)
      await room.join(socket)
      await socket.send('welcome')
      for await (const message of socket) {
        const text = message.text()
        if (text === 'count') await socket.sendJson({ size: room.size, count: room.count })
        else if (text === 'leave') {
          room.leave(socket)
          await socket.send('left')
        } else await room.broadcast(text, { except: socket })
      }
    }, options),
  )
  return { channels, client: await testClient(t, app, { transport, clock }) }
}

async function enter(client: TestClient, path: string, options = {}): Promise<Peer> {
  const peer = await open(client, path, options)
  await peer.next()
  return peer
}

/** Sends a room much, of which one member reads nothing. */
async function flood(client: TestClient, channels: Channels, megabytes = 40) {
  const slow = await openRaw(client, '/blue')
  await slow.receiveUntil(frame({ opcode: 1, payload: 'welcome', isMasked: false }).toString('latin1'))
  slow.raw.pause()
  const fast = await enter(client, '/blue')
  const results: BroadcastResult[] = []
  for (let i = 0; i < megabytes; i++) {
    results.push(await channels.get('blue').broadcast('x'.repeat(1024 * 1024)))
    await fast.next()
  }
  const closedBy = (ms: number) =>
    Promise.race([fast.closed, new Promise<undefined>(resolve => setTimeout(() => resolve(undefined), ms))])
  return { slow, fast: { closedBy }, results }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}
