import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'

import type { WebSocketOptions } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'
import { WebSocket } from 'ws'

import type { Cost } from './abused-process.ts'
import { frame } from './raw-frames.ts'

const MIB = 1024 * 1024
const ATTACKERS = 10
/** How long an attack takes, and after what time an attacker who is not read comes again, in milliseconds. */
const DURATION = 2000
const PATIENCE = 250
/** Garbage gathers in a young generation as large as that of Node 20; later ones let it grow to several times the size. */
const execArgv = [...process.execArgv, '--max-semi-space-size=16']

/** What one client writes again and again, without ever reading. */
interface Flood {
  readonly path: string
  readonly first?: Buffer
  readonly bytes: Buffer
  /** What the server may hold for it, in MiB, with what the garbage collector has not come to. */
  readonly most: number
}

const bomb = deflateRawSync(Buffer.alloc(64 * MIB), { finishFlush: 2 })
const floods: Readonly<Record<string, Flood>> = {
  'of messages': { path: '/read', most: 128, bytes: repeated(frame({ opcode: 1, payload: 'x' })) },
  'of messages that nobody reads the answers of': {
    path: '/echo',
    most: 64,
    bytes: repeated(frame({ opcode: 1, payload: 'x'.repeat(1000) })),
  },
  'of pings, of which nobody reads the pongs': {
    path: '/read',
    most: 64,
    bytes: repeated(frame({ opcode: 9, payload: 'x'.repeat(125) })),
  },
  'of fragments': {
    path: '/read',
    most: 256,
    first: frame({ opcode: 1, flags: 0 }),
    bytes: repeated(frame({ opcode: 0, flags: 0, payload: 'x' })),
  },
  'of compressed bombs': {
    path: '/read',
    most: 384,
    bytes: repeated(frame({ opcode: 1, flags: 12, payload: bomb })),
  },
}

t.setTimeout(240_000)

t.test('a flood costs bounded memory, and the server serves on (P46)', async t => {
  for (const [name, attack] of Object.entries(floods)) {
    t.test(name, async t => {
      const { port, tellCost, check } = await serve(t, { sendTimeout: 1000, perMessageDeflate: true })
      const before = await tellCost()
      const end = performance.now() + DURATION

      const attacks = Array.from({ length: ATTACKERS }, () => flood(port, attack, end))
      const delays: number[] = []
      while (performance.now() < end) {
        delays.push(await check())
        await sleep(100)
      }
      const sent = (await Promise.all(attacks)).reduce((sum, bytes) => sum + bytes, 0)

      const cost = await tellCost()
      t.comment(
        `${mib(sent)} sent, ${describe(before, cost)}, an echo within ${Math.ceil(Math.max(...delays))} ms`,
      )
      t.ok(cost.peak.held - before.now.held < attack.most * MIB, `at most ${attack.most} MiB`)
      await check()
    })
  }
})

t.test('100 that read nothing of a feed cost bounded memory, and go (P46)', async t => {
  const { port, tellCost, check } = await serve(t, { sendTimeout: 2000 })
  const before = await tellCost()
  const began = performance.now()
  const peers = await enterAll(port, '/feed', 100)
  for (const peer of peers) peer.pause()

  let cost = await tellCost()
  let peak = cost.peak
  while (cost.open > 0) {
    await sleep(50)
    cost = await tellCost()
    if (cost.peak.held > peak.held) peak = cost.peak
  }

  const took = Math.round(performance.now() - began)
  t.comment(`${describe(before, { ...cost, peak })}, gone after ${took} ms`)
  t.ok(took > 2000, 'no sooner than after sendTimeout')
  t.ok(peak.held - before.now.held < 64 * MIB, 'at most 64 MiB')
  for (const peer of peers) peer.destroy()
  await check()
})

t.test('10,000 that come and leave, some of them politely, leave nothing behind (P44)', async t => {
  const { port, tellCost, check } = await serve(t, {})
  await comeAndLeave(port, 4000) // until all code is compiled, which takes memory too
  const before = await tellCost()
  const began = performance.now()

  await comeAndLeave(port, 10_000)
  const took = (performance.now() - began) / 1000
  while ((await tellCost()).open > 0) await sleep(20)

  const cost = await tellCost()
  const grown = cost.now.held - before.now.held
  t.comment(
    `${describe(before, cost)}, ${Math.round(10_000 / took)} a second, ${Math.round(grown / 10_000)} bytes kept of each of the last 10,000`,
  )
  t.ok(grown < MIB, `${grown} bytes`)
  await check()
})

t.test('sockets that are half open go within two heartbeats (P46)', async t => {
  const { port, tellCost, check } = await serve(t, { heartbeat: 2000 })
  const began = performance.now()
  const peers = await enterAll(port, '/read', 200)
  for (const peer of peers) peer.pause() // it neither answers nor closes
  const entered = performance.now()

  while ((await tellCost()).open > 0) await sleep(20)

  const gone = performance.now()
  t.comment(`gone ${Math.round(gone - entered)} ms after the last came, of 4000`)
  t.ok(gone - began > 4000, 'no sooner than after two heartbeats')
  t.ok(gone - entered < 6000, 'and not much later')
  for (const peer of peers) peer.destroy()
  await check()
})

/** A server in a process of its own, what it has cost, and how long an echo takes, in milliseconds. */
async function serve(t: Test, options: WebSocketOptions) {
  const child = fork(new URL('./abused-process.js', import.meta.url), [JSON.stringify(options)], { execArgv })
  const exit = once(child, 'exit')
  t.teardown(async () => {
    child.disconnect()
    await exit
  })
  const [port] = (await once(child, 'message')) as [number] // what it sends first
  const tellCost = async () => {
    child.send('what does it cost?')
    return ((await once(child, 'message')) as [Cost])[0]
  }
  const check = async () => {
    const began = performance.now()
    const peer = new WebSocket(`ws://127.0.0.1:${port}/echo`)
    await once(peer, 'open')
    peer.send('still there?')
    t.equal(String((await once(peer, 'message'))[0]), 'still there?')
    peer.terminate()
    return performance.now() - began
  }
  return { port, tellCost, check }
}

async function enter(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
  )
  await once(socket, 'data')
  return socket
}

function enterAll(port: number, path: string, count: number): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => enter(port, path)))
}

/** Opens WebSockets, 50 at a time, and leaves by a close frame, a reset, or the end of the connection. */
async function comeAndLeave(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i += 50) {
    const peers = await enterAll(port, '/read', 50)
    const ends = peers.map(peer => once(peer.resume(), 'close'))
    for (const [j, peer] of peers.entries()) {
      if (j % 3 === 0) peer.end(frame({ opcode: 8, payload: Buffer.from([3, 232]) }))
      else if (j % 3 === 1) peer.resetAndDestroy()
      else peer.end()
    }
    await Promise.all(ends)
  }
}

/** Writes as fast as it is taken, over another connection whenever this one is cut or not read; gives how many bytes left. */
async function flood(port: number, { path, first, bytes }: Flood, end: number): Promise<number> {
  let sent = 0
  while (performance.now() < end) {
    const socket = await enter(port, path)
    socket.pause()
    if (first) socket.write(first)
    while (performance.now() < end && (socket.write(bytes) || (await isTaken(socket))));
    sent += socket.bytesWritten - socket.writableLength
    socket.destroy()
  }
  return sent
}

/** Whether what was written has left before the patience is over. */
function isTaken(socket: Socket): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, PATIENCE, false)
    socket.once('drain', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

/** As often as it fits into a mebibyte. */
function repeated(bytes: Buffer): Buffer {
  return Buffer.concat(Array<Buffer>(Math.floor(MIB / bytes.length)).fill(bytes))
}

function describe(before: Cost, { peak }: Cost): string {
  return `${mib(peak.held - before.now.held)} more held, ${mib(before.now.resident)} -> ${mib(peak.resident)} resident`
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
