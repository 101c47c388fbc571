import { once } from 'node:events'

import { Application, createLogger, RequestKey } from '@allium/core'
import type { AnyParams } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient, TransportName } from '@allium/testing'
import { InvalidMessage, websocket, WebSocketClosed, WebSocketResponse } from '@allium/ws'
import type { Conversation, WebSocketOptions } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'
import { z } from 'zod'

import { open } from './peer.ts'
import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

overEachTransport('a WebSocket', (t, transport) => {
  t.test('is a loop over messages, text and bytes alike (W8)', async t => {
    const client = await serve(t, transport, async socket => {
      for await (const message of socket) {
        await socket.send(message.type === 'text' ? message.text() : message.bytes())
      }
    })
    const peer = await open(client, '/')

    peer.socket.send('naïve 🦊')
    peer.socket.send(Buffer.from([0, 255]))
    peer.socket.send('')

    t.equal(await peer.next(), 'naïve 🦊')
    t.same(await peer.next(), Buffer.from([0, 255]))
    t.equal(await peer.next(), '')
  })

  t.test('loses no message, however late the handler begins to read (W1)', async t => {
    const app = new Application()
    app.get('/', async request => {
      const socket = new WebSocketResponse()
      await socket.prepare(request)
      await new Promise(resolve => setTimeout(resolve, 20))
      for await (const message of socket) await socket.send(message.text())
      return socket
    })
    const peer = await open(await testClient(t, app, { transport }), '/')
    for (let i = 0; i < 100; i++) peer.socket.send(String(i))

    for (let i = 0; i < 100; i++) t.equal(await peer.next(), String(i))
  })

  t.test('receives text, bytes and JSON as what is wanted (W10)', async t => {
    const client = await serve(t, transport, async socket => {
      await socket.send(await socket.receiveText())
      await socket.sendBytes(await socket.receiveBytes())
      await socket.sendJson(await socket.receiveJson())
    })
    const peer = await open(client, '/')

    peer.socket.send('text')
    peer.socket.send(Buffer.from('bytes'))
    peer.socket.send('{"a": [1]}')

    t.equal(await peer.next(), 'text')
    t.same(await peer.next(), Buffer.from('bytes'))
    t.equal(await peer.next(), '{"a":[1]}')
    t.same(await peer.closed, [1000, ''])
  })

  for (const [name, sent, converse, code] of [
    ['bytes in place of text', Buffer.from('x'), s => s.receiveText(), 1003],
    ['bytes in place of JSON', Buffer.from('{}'), s => s.receiveJson(), 1003],
    ['text in place of bytes', 'x', s => s.receiveBytes(), 1003],
    ['JSON with an error', '{"a":', s => s.receiveJson(), 1007],
    ['JSON that pollutes prototypes', '{"__proto__":{}}', s => s.receiveJson(), 1007],
    ['JSON nested without end', '['.repeat(600) + ']'.repeat(600), s => s.receiveJson(), 1007],
    [
      'what does not fit its schema',
      '{"n":"1"}',
      s => s.receiveJson({ schema: z.object({ n: z.number() }) }),
      1007,
    ],
  ] as [string, string | Buffer, Conversation<AnyParams>, number][]) {
    t.test(`${name} closes with ${code}, unless the handler takes it`, async t => {
      const errors: unknown[] = []
      const client = await serve(t, transport, async (socket, request) => {
        if (request.query.has('lenient')) {
          await Promise.resolve(converse(socket, request)).catch((error: unknown) => errors.push(error))
          await socket.send('go on')
          await once(socket.signal, 'abort')
        } else await converse(socket, request)
      })
      const strict = await open(client, '/')
      strict.socket.send(sent)
      t.same(await strict.closed, [code, ''])

      const lenient = await open(client, '/?lenient')
      lenient.socket.send(sent)
      t.equal(await lenient.next(), 'go on')
      t.ok(errors[0] instanceof InvalidMessage)
    })
  }

  t.test('gives typed messages by a schema', async t => {
    const schema = z.object({ n: z.coerce.number() })
    const client = await serve(t, transport, async socket => {
      for await (const { n } of socket.jsonMessages({ schema })) await socket.sendJson(n + 1)
    })
    const peer = await open(client, '/')

    peer.socket.send('{"n":"41"}')

    t.equal(await peer.next(), '42')
  })

  t.test('a read with a timeout takes nothing away from the next one (W9)', async t => {
    const client = await serve(t, transport, async socket => {
      await t.rejects(socket.receive({ timeout: 5 }), { name: 'TimeoutError' })
      const controller = new AbortController()
      const aborted = socket.receive({ signal: controller.signal, timeout: 10_000 })
      controller.abort(new Error('enough'))
      await t.rejects(aborted, { message: 'enough' })
      await t.rejects(socket.receive({ signal: controller.signal }), { message: 'enough' })
      await socket.send('now')
      await socket.send(await socket.receiveText({ signal: new AbortController().signal }))
    })
    const peer = await open(client, '/')

    t.equal(await peer.next(), 'now')
    peer.socket.send('late')

    t.equal(await peer.next(), 'late')
  })

  t.test('ends every wait when the client goes', async t => {
    const outcomes: unknown[] = []
    const client = await serve(t, transport, async socket => {
      for await (const message of socket) await socket.send(message.text())
      outcomes.push(socket.state, socket.closeCode, socket.closeReason)
      await socket.receive().catch((error: unknown) => outcomes.push(error))
      await socket.send('x').catch((error: unknown) => outcomes.push(error))
    })
    const peer = await open(client, '/')

    peer.socket.close(4001, 'bye')
    await peer.closed
    await until(() => outcomes.length === 5)

    t.same(outcomes.slice(0, 3), ['closed', 4001, 'bye'])
    for (const error of outcomes.slice(3)) {
      t.ok(error instanceof WebSocketClosed && error.closeCode === 4001 && error.closeReason === 'bye')
    }
  })

  t.test('sends text, bytes of any view, and JSON (W11)', async t => {
    const client = await serve(t, transport, async socket => {
      await socket.send('text')
      await socket.send(new Uint8Array([1, 2]))
      await socket.send(new Uint8Array([3]).buffer)
      await socket.sendBytes(Buffer.alloc(300_000, 7))
      await socket.sendJson({ n: 1 })
    })
    const peer = await open(client, '/')

    t.equal(await peer.next(), 'text')
    t.same(await peer.next(), Buffer.from([1, 2]))
    t.same(await peer.next(), Buffer.from([3]))
    t.same(await peer.next(), Buffer.alloc(300_000, 7))
    t.equal(await peer.next(), '{"n":1}')
  })

  t.test('pings and pongs by hand (W11)', async t => {
    const client = await serve(t, transport, async socket => {
      await socket.receive()
      await socket.ping('are you there?')
      await socket.pong(Buffer.from('I am'))
      await t.rejects(socket.ping('x'.repeat(126)), RangeError)
      await socket.receive()
    })
    const peer = await open(client, '/')
    const heard: string[] = []
    peer.socket.on('ping', data => heard.push(`ping ${String(data)}`))
    peer.socket.on('pong', data => heard.push(`pong ${String(data)}`))
    peer.socket.send('go')

    await until(() => heard.length === 2)
    peer.socket.ping('and you?')
    await until(() => heard.length === 3)

    t.same(heard, ['ping are you there?', 'pong I am', 'pong and you?'])
  })

  t.test('compresses both ways where that was agreed on, in order', async t => {
    const long = 'allium '.repeat(10_000)
    const client = await serve(
      t,
      transport,
      async socket => {
        for await (const message of socket) {
          void socket.send(message.text())
          void socket.send('short')
        }
      },
      {
        perMessageDeflate: {
          serverContextTakeover: true,
          clientContextTakeover: true,
          level: 9,
          memLevel: 9,
        },
      },
    )
    const peer = await open(client, '/', { perMessageDeflate: true })

    t.equal(peer.socket.extensions, 'permessage-deflate')
    for (let i = 0; i < 20; i++) peer.socket.send(long + i)
    for (let i = 0; i < 20; i++) {
      t.equal(await peer.next(), long + i)
      t.equal(await peer.next(), 'short')
    }
  })

  t.test('keeps its request: state, cookies and session are those of the handshake', async t => {
    const user = new RequestKey<string>('user')
    const app = new Application()
    app.use((request, next) => {
      request.state.set(user, request.cookies['user'] ?? 'nobody')
      return next(request)
    })
    app.get(
      '/',
      websocket((socket, request) => socket.send(request.state.get(user))),
    )
    const client = await testClient(t, app, { transport })

    t.equal(await (await open(client, '/', { headers: { cookie: 'user=ada' } })).next(), 'ada')
  })
})

t.test('illegal moves', async t => {
  t.test('nothing can be done before prepare()', async t => {
    const socket = new WebSocketResponse()
    const refused = { code: 'ERR_WEBSOCKET_STATE' }

    t.equal(socket.state, 'new')
    t.equal(socket.protocol ?? socket.closeCode ?? socket.closeReason ?? socket.failure, undefined)
    t.equal(socket.unsent, 0)
    for (const move of [
      socket.send('x'),
      socket.sendBytes(Buffer.from('x')),
      socket.sendJson(1),
      socket.ping(),
      socket.pong(),
      socket.receive(),
      socket.close(),
    ]) {
      await t.rejects(Promise.resolve<unknown>(move) as Promise<void>, refused)
    }
    t.throws(() => socket.terminate(), refused)
    t.throws(() => socket.signal, refused)
    t.throws(() => socket.setMaxMessageSize(1), refused)
    t.throws(() => socket[Symbol.asyncIterator](), refused)
  })

  t.test('each is named, and the WebSocket goes on', async t => {
    const client = await serve(t, 'memory', async (socket, request) => {
      await t.rejects(socket.prepare(request), { code: 'ERR_WEBSOCKET_STATE' })
      const waiting = socket.receive()
      await t.rejects(socket.receive(), { code: 'ERR_WEBSOCKET_STATE' })
      await t.rejects(socket[Symbol.asyncIterator]().next() as Promise<unknown> as Promise<void>, {
        code: 'ERR_WEBSOCKET_STATE',
      })
      await t.rejects(socket.send({ an: 'object' } as never), TypeError)
      await t.rejects(socket.sendBytes('text' as never), TypeError)
      await t.rejects(socket.sendJson(undefined), TypeError)
      for (const code of [999, 1004, 1005, 1006, 1015, 2999, 5000, 1.5, NaN]) {
        await t.rejects(socket.close(code), RangeError, String(code))
      }
      await t.rejects(socket.close(1000, 'ü'.repeat(62)), RangeError)
      await t.rejects(socket.close(1000, 12 as never), TypeError)
      t.throws(() => socket.setMaxMessageSize(0), RangeError)
      await socket.send('still here')
      await waiting
    })
    const peer = await open(client, '/')

    t.equal(await peer.next(), 'still here')
    peer.socket.send('done')
    t.same(await peer.closed, [1000, ''])
  })

  t.test('leaving the loop closes nothing', async t => {
    const client = await serve(t, 'memory', async socket => {
      for await (const message of socket) {
        await socket.send(`1 ${message.text()}`)
        break
      }
      for await (const message of socket) await socket.send(`2 ${message.text()}`)
    })
    const peer = await open(client, '/')

    peer.socket.send('a')
    peer.socket.send('b')

    t.equal(await peer.next(), '1 a')
    t.equal(await peer.next(), '2 b')
  })
})

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

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}
