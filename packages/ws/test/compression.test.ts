import { Application } from '@allium/core'
import type { AnyParams } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import { websocket } from '@allium/ws'
import type { Conversation, DeflateOptions, WebSocketResponse } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'

import { closeFrame, openRaw } from './raw-frames.ts'

const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate\r\n'
const AS_IT_IS = '\x81'
const COMPRESSED = '\xc1'

// The first of this file, since the first WebSocket of a process that compresses decides.
t.test('no more messages are compressed at once than concurrency says', async t => {
  const sockets: WebSocketResponse[] = []
  const client = await serve(t, { concurrency: 1, threshold: 0 }, async socket => {
    sockets.push(socket)
    if (sockets.length === 2) {
      void sockets[0]?.send('x'.repeat(16 * 1024 * 1024))
      void sockets[1]?.send('y')
    }
    await socket.receive()
  })
  const order: string[] = []
  const first = await openRaw(client, '/', DEFLATE)
  const second = await openRaw(client, '/', DEFLATE)

  await Promise.all([
    first.receiveUntil(COMPRESSED).then(() => order.push('the long one')),
    second.receiveUntil(COMPRESSED).then(() => order.push('the short one')),
  ])

  t.same(order, ['the long one', 'the short one'])
})

t.test('messages below the threshold are sent as they are', async t => {
  const options = { threshold: 100 }

  t.equal((await bytesOf(t, 'x'.repeat(99), options))[0], AS_IT_IS)
  t.equal((await bytesOf(t, 'x'.repeat(100), options))[0], COMPRESSED)
  t.equal((await bytesOf(t, 'é'.repeat(50), options))[0], COMPRESSED)
})

t.test('the threshold is 1 KiB when none is given', async t => {
  t.equal((await bytesOf(t, 'x'.repeat(1023), true))[0], AS_IT_IS)
  t.equal((await bytesOf(t, 'x'.repeat(1024), true))[0], COMPRESSED)
})

t.test('every message is compressed where the window is kept between them', async t => {
  const options = { threshold: 100, serverContextTakeover: true }

  t.equal((await bytesOf(t, 'x', options))[0], COMPRESSED)
})

t.test('a higher level makes a message smaller, and so does more memory', async t => {
  const message = Array.from({ length: 5000 }, (_, i) => i ** 2).join()

  const usual = (await bytesOf(t, message, true)).length
  t.ok((await bytesOf(t, message, { level: 9 })).length < usual)
  t.ok((await bytesOf(t, message, { memLevel: 1 })).length > usual)
})

function serve(
  t: Test,
  perMessageDeflate: boolean | DeflateOptions,
  converse: Conversation<AnyParams>,
): Promise<TestClient> {
  const app = new Application()
  app.get('/', websocket(converse, { perMessageDeflate }))
  return testClient(t, app)
}

/** A message as it is on the wire, with a close frame behind it. */
async function bytesOf(
  t: Test,
  message: string,
  perMessageDeflate: boolean | DeflateOptions,
): Promise<string> {
  const client = await serve(t, perMessageDeflate, socket => socket.send(message))
  const raw = await openRaw(client, '/', DEFLATE)
  return raw.receiveUntil(closeFrame(1000))
}
