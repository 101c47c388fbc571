/**
 * A server to be abused; forked by `abuse.test.ts`, with the options of its WebSockets as JSON. It measures itself, and tells
 * what it has cost when it is asked.
 */
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { Application, AppRunner, createLogger } from '@allium/core'
import { websocket } from '@allium/ws'
import type { WebSocketOptions, WebSocketResponse } from '@allium/ws'

/** In bytes. */
export interface Memory {
  /** Of the process, as the system counts. */
  readonly resident: number
  /** Of the heap and of buffers. */
  readonly held: number
}

/** What the server has cost since it was asked last. */
export interface Cost {
  /** Conversations that are not over. */
  readonly open: number
  readonly peak: Memory
  /** Without what the garbage collector finds. */
  readonly now: Memory
}

/** How often memory is looked at, in milliseconds. */
const INTERVAL = 20

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const options = JSON.parse(process.argv[2]!) as WebSocketOptions
const conversations = new Set<object>()
let peak = readMemory()

const app = new Application({ logger: createLogger('error', () => {}) })
addRoute('/echo', async socket => {
  for await (const message of socket) await socket.send(message.text())
})
addRoute('/read', async socket => {
  for await (const message of socket) message.text()
})
addRoute('/feed', async socket => {
  const news = Buffer.alloc(64 * 1024)
  while (socket.state === 'open') await socket.send(news)
})

const runner = new AppRunner(app, { shutdownTimeout: 500 })
await runner.startup()
const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
const watch = setInterval(() => (peak = larger(peak, readMemory())), INTERVAL)
process.on('message', () => process.send!(tellCost()))
process.on('disconnect', () => {
  clearInterval(watch)
  void runner.stop()
})
process.send!(port)

function addRoute(path: string, converse: (socket: WebSocketResponse) => Promise<void>): void {
  app.get(
    path,
    websocket(async socket => {
      conversations.add(socket)
      try {
        await converse(socket)
      } finally {
        conversations.delete(socket)
      }
    }, options),
  )
}

function tellCost(): Cost {
  const worst = larger(peak, readMemory())
  collectGarbage()
  peak = readMemory()
  return { open: conversations.size, peak: worst, now: peak }
}

function readMemory(): Memory {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  return { resident: rss, held: heapUsed + arrayBuffers }
}

function larger(one: Memory, other: Memory): Memory {
  return { resident: Math.max(one.resident, other.resident), held: Math.max(one.held, other.held) }
}
