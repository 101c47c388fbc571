import { once } from 'node:events'

import { Application, AppRunner, createLogger } from '@allium/core'
import type { AnyParams } from '@allium/core'
import { memorySocketPair } from '@allium/core/memory-socket'
import { testClient } from '@allium/testing'
import type { TestClient, TransportName } from '@allium/testing'
import { websocket, WebSocketResponse } from '@allium/ws'
import type { Conversation, WebSocketOptions } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'
import { WebSocket } from 'ws'

import { open } from './peer.ts'
import { closeFrame } from './raw-frames.ts'
import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

overEachTransport('a WebSocket closes', (t, transport) => {
  t.test('with 1000 when the handler returns (W18)', async t => {
    const peer = await open(await serve(t, transport, socket => socket.send('one')), '/')

    t.equal(await peer.next(), 'one')
    t.same(await peer.closed, [1000, ''])
  })

  t.test('with 1011 when the handler throws, and says why to the log only (W19)', async t => {
    const lines: string[] = []
    const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
    const fail = () => Promise.reject(new Error('secret'))
    app.get('/', websocket(fail))
    app.get('/by-hand', async request => {
      await new WebSocketResponse().prepare(request)
      return fail()
    })
    const client = await testClient(t, app, { transport })

    t.same(await (await open(client, '/')).closed, [1011, ''])
    t.same(await (await open(client, '/by-hand')).closed, [1011, ''])
    t.equal(lines.length, 2)
    for (const line of lines) t.match(line, /secret/)
  })

  t.test('with 1011 and the message in debug mode', async t => {
    const app = new Application({ debug: true, logger: silent })
    app.get(
      '/',
      websocket(() => Promise.reject(new Error('ü'.repeat(100)))),
    )
    const [code, reason] = await (await open(await testClient(t, app, { transport }), '/')).closed

    t.equal(code, 1011)
    t.match(reason, /^ü{60}…$/)
  })

  t.test('with 1011 when the handler forgets to return it, and writes nothing of HTTP (W18)', async t => {
    const app = new Application({ logger: silent })
    app.get('/', (async (request: Parameters<WebSocketResponse['prepare']>[0]) => {
      const socket = new WebSocketResponse()
      await socket.prepare(request)
      await socket.send('hello')
    }) as never)
    const peer = await open(await testClient(t, app, { transport }), '/')

    t.equal(await peer.next(), 'hello')
    t.same(await peer.closed, [1011, ''])
  })

  t.test('with the code and reason that the handler gives, once (W12)', async t => {
    const states: unknown[] = []
    const client = await serve(t, transport, async socket => {
      const closing = socket.close(4321, 'Größe')
      states.push(socket.state)
      await closing
      states.push(socket.state, socket.closeCode)
      await socket.close(1000)
    })

    t.same(await (await open(client, '/')).closed, [4321, 'Größe'])
    while (states.length < 3) await new Promise(resolve => setTimeout(resolve, 5))
    t.same(states, ['closing', 'closed', 4321])
  })

  t.test('while a read waits, which hears of it (W12)', async t => {
    const client = await serve(t, transport, async socket => {
      const read = socket.receive()
      void socket.close(3000)
      await t.rejects(read, { name: 'WebSocketClosed' })
    })

    t.same(await (await open(client, '/')).closed, [3000, ''])
  })

  t.test('by itself after closeTimeout when the client does not answer (P46)', async t => {
    const client = await serve(t, transport, socket => socket.send('bye'), { closeTimeout: 30 })
    const raw = client.connect()
    await raw.send(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )

    t.ok((await raw.receive()).endsWith(closeFrame(1000)))
  })

  t.test('when cut: the client sees 1006, the handler what broke it', async t => {
    const seen: unknown[] = []
    const client = await serve(t, transport, async socket => {
      await socket.receive()
      socket.terminate()
      for await (const message of socket) seen.push(message)
      seen.push(socket.closeCode, socket.failure?.message)
    })
    const peer = await open(client, '/')
    peer.socket.send('go')

    t.equal((await peer.closed)[0], 1006)
    await client.settle()
    t.same(seen, [1006, 'The handler cut the connection'])
  })

  t.test('and its signal fires when the client goes', async t => {
    const reasons: string[] = []
    const client = await serve(t, transport, async socket => {
      await socket.send('ready')
      await once(socket.signal, 'abort')
      reasons.push((socket.signal.reason as Error).name)
    })
    const peer = await open(client, '/')
    await peer.next()

    peer.socket.terminate()
    await peer.closed
    while (reasons.length === 0) await new Promise(resolve => setTimeout(resolve, 5))

    t.same(reasons, ['AbortError'])
  })

  t.test('with the closeCode of the reason that a request is aborted for', async t => {
    const reasons = {
      '/revoked': Object.assign(new Error('x'), { closeCode: 4401, closeReason: 'Signed out' }),
      '/any': new Error('x'),
      '/odd': Object.assign(new Error('x'), { closeCode: 1006, closeReason: 7 }),
    }
    const app = new Application()
    for (const [path, reason] of Object.entries(reasons)) {
      app.get(
        path,
        websocket(async (socket, request) => {
          request.abort(reason)
          for await (const message of socket) t.fail(message.text())
        }),
      )
    }
    const client = await testClient(t, app, { transport })

    t.same(await (await open(client, '/revoked')).closed, [4401, 'Signed out'])
    t.same(await (await open(client, '/any')).closed, [1008, ''])
    t.same(await (await open(client, '/odd')).closed, [1008, ''])
  })

  t.test('at once when the request was aborted before it was open', async t => {
    const app = new Application()
    app.use((request, next) => {
      request.abort(Object.assign(new Error('x'), { closeCode: 4401 }))
      return next(request)
    })
    app.get(
      '/',
      websocket(async socket => {
        for await (const message of socket) t.fail(message.text())
      }),
    )
    const client = await testClient(t, app, { transport })

    t.same(await (await open(client, '/')).closed, [4401, ''])
  })

  t.test('before it was open when something else has ended its socket', async t => {
    const app = new Application()
    app.use((request, next) => {
      request.raw.socket.end()
      return next(request)
    })
    app.get(
      '/',
      websocket(() => t.fail('it was open')),
    )
    const client = await testClient(t, app, { transport })

    await t.rejects(open(client, '/'))
  })
})

t.test('a server that stops', async t => {
  t.test('closes every WebSocket with 1001, and waits for their handlers (R11, W21)', async t => {
    const app = new Application()
    const left: string[] = []
    app.get(
      '/',
      websocket(async socket => {
        await socket.send('hello')
        for await (const message of socket) left.push(message.text())
        await new Promise(resolve => setTimeout(resolve, 10))
        left.push('handler done')
      }),
    )
    const { runner, connect } = await run(t, app)
    const peers = [connect(), connect()]
    await Promise.all(peers.map(peer => once(peer, 'message')))
    const closed = Promise.all(peers.map(peer => once(peer, 'close')))

    await runner.stop()

    t.same(
      (await closed).map(([code]) => code as unknown),
      [1001, 1001],
    )
    t.same(left, ['handler done', 'handler done'])
    t.equal(runner.wasForced, false)
  })

  t.test('cuts those that do not end at the deadline', async t => {
    const app = new Application({ logger: silent })
    app.get(
      '/',
      websocket(async socket => {
        await socket.send('hello')
        await new Promise(() => {})
      }),
    )
    const { runner, connect } = await run(t, app)
    const peer = connect()
    await once(peer, 'message')
    const closed = once(peer, 'close')

    await runner.stop()

    t.equal(runner.wasForced, true)
    await closed
  })
})

async function run(t: Test, app: Application) {
  const runner = new AppRunner(app, { shutdownTimeout: 300 })
  await runner.startup()
  t.teardown(() => runner.stop())
  const connect = () => {
    const pair = memorySocketPair()
    runner.accept(pair.server)
    const peer = new WebSocket('ws://localhost/', { createConnection: () => pair.client as never })
    return peer.on('error', () => {})
  }
  return { runner, connect }
}

async function serve(
  t: Test,
  transport: TransportName,
  converse: Conversation<AnyParams>,
  options?: WebSocketOptions,
): Promise<TestClient> {
  const app = new Application({ logger: silent })
  app.get('/', websocket(converse, options))
  return testClient(t, app, { transport })
}
