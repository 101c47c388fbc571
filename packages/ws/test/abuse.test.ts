import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { deflateRawSync } from 'node:zlib'

import { Application, AppRunner, createLogger } from '@allium/core'
import { websocket } from '@allium/ws'
import type { WebSocketOptions } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'
import { WebSocket } from 'ws'

import { frame } from './raw-frames.ts'

const MIB = 1024 * 1024
const silent = createLogger('error', () => {})
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

t.setTimeout(240_000)

t.test('a flood costs bounded memory, and the server serves on (P46)', async t => {
  const small = frame({ opcode: 1, payload: 'x' })
  const pings = frame({ opcode: 9, payload: 'x'.repeat(125) })
  const piece = frame({ opcode: 0, flags: 0, payload: 'x' })
  const bomb = deflateRawSync(Buffer.alloc(64 * MIB), { finishFlush: 2 })

  for (const [name, bytes, first] of [
    ['of messages', repeated(small, MIB / 32), undefined],
    [
      'of messages that nobody reads the answers of',
      repeated(frame({ opcode: 1, payload: 'x'.repeat(1000) }), MIB),
      undefined,
    ],
    ['of pings, of which nobody reads the pongs', repeated(pings, MIB), undefined],
    ['of fragments', repeated(piece, MIB), frame({ opcode: 1, flags: 0 })],
    ['of compressed bombs', repeated(frame({ opcode: 1, flags: 12, payload: bomb }), MIB), undefined],
  ] as const) {
    t.test(name, async t => {
      const { port, check } = await serve(t, { sendTimeout: 2000, perMessageDeflate: true })
      const attackers = await Promise.all(Array.from({ length: 10 }, () => enter(port)))
      const before = memory()
      let most = 0
      const watch = setInterval(() => (most = Math.max(most, memory() - before)), 50)

      await Promise.all(attackers.map(socket => flood(socket, bytes, first)))

      clearInterval(watch)
      t.comment(`10 clients, at most ${(most / MIB).toFixed(1)} MiB`)
      // The answers to what was sent may wait in the system's buffers and in 64 KiB of each WebSocket.
      t.ok(most < 100 * MIB, `${most}`)
      await check()
    })
  }
})

t.test('10,000 that come and leave, some of them politely, leave nothing behind (P44)', async t => {
  const { port, check, handlers } = await serve(t, {})
  const come = async (from: number, to: number) => {
    for (let i = from; i < to; i += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, j) => {
          const socket = await enter(port)
          if (j % 3 === 0) socket.end(frame({ opcode: 8, payload: Buffer.from([3, 232]) }))
          else if (j % 3 === 1) socket.resetAndDestroy()
          else socket.end()
          if (!socket.closed) await once(socket.resume(), 'close')
        }),
      )
    }
  }
  await come(0, 1000)
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  await come(1000, 10_000)
  while (handlers.size > 0) await new Promise(resolve => setTimeout(resolve, 20))

  collectGarbage()
  const grown = process.memoryUsage().heapUsed - before
  t.comment(`${(grown / 9000).toFixed(0)} bytes of heap for each of the last 9,000`)
  t.ok(grown < 9 * MIB, `${grown}`)
  await check()
})

t.test(
  'sockets that are half open go within two heartbeats, those that never read with them (P46)',
  async t => {
    const { port, check, handlers } = await serve(t, { heartbeat: 2000 })
    const silentOnes = await Promise.all(Array.from({ length: 200 }, () => enter(port)))
    for (const socket of silentOnes) socket.pause() // it neither answers nor closes
    const began = performance.now()

    while (handlers.size > 0) await new Promise(resolve => setTimeout(resolve, 5))

    t.comment(`gone after ${Math.round(performance.now() - began)} ms, of 4000 at most`)
    for (const socket of silentOnes) socket.destroy()
    await check()
  },
)

/** An echo, and a way to see whether it still is one. */
async function serve(t: Test, options: WebSocketOptions) {
  const app = new Application({ logger: silent })
  const handlers = new Set<object>()
  app.get(
    '/',
    websocket(async socket => {
      handlers.add(socket)
      try {
        for await (const message of socket) await socket.send(message.text())
      } finally {
        handlers.delete(socket)
      }
    }, options),
  )
  const runner = new AppRunner(app, { shutdownTimeout: 500 })
  await runner.startup()
  t.teardown(() => runner.stop())
  const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
  const check = async () => {
    const peer = new WebSocket(`ws://127.0.0.1:${port}/`)
    await once(peer, 'open')
    peer.send('still there?')
    t.equal(String((await once(peer, 'message'))[0]), 'still there?')
    peer.terminate()
  }
  return { port, check, handlers }
}

async function enter(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
  )
  await once(socket, 'data')
  return socket
}

/** Sends 4 MiB without reading, or as much as is taken in a second, or until it is cut. */
async function flood(socket: Socket, bytes: Buffer, first: Buffer | undefined): Promise<void> {
  socket.pause()
  if (first) socket.write(first)
  const closed = once(socket, 'close')
  const isOver = new Promise(resolve => setTimeout(resolve, 1000))
  for (let i = 0; i < 4 && !socket.destroyed; i++) {
    if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), closed, isOver])
  }
  await Promise.race([isOver, closed])
  socket.destroy()
}

function repeated(bytes: Buffer, size: number): Buffer {
  return Buffer.concat(Array<Buffer>(Math.ceil(size / bytes.length)).fill(bytes))
}

/** Heap and buffers; what the clients of this very process hold is in it too. */
function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
