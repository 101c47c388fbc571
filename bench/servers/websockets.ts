/** A WebSocket server of one kind: echoes, and sends to all of its clients when it is told to. */
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Application, AppRunner } from '@allium/core'
import { Channels, websocket } from '@allium/ws'
import { Server } from 'socket.io'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'

import { BROADCAST } from '../websocket-messages.ts'
import type { Broadcast } from '../websocket-messages.ts'
import { reportListening } from './report.ts'

interface Started {
  readonly port: number
  readonly broadcast: (text: string) => void
}

const kinds: Readonly<Record<string, () => Promise<Started>>> = {
  ws: () => startWs(false),
  'ws with its request': () => startWs(true),
  allium: startAllium,
  'socket.io': startSocketIo,
}
const start = kinds[process.argv[2] ?? '']
if (!start) throw new RangeError(`Cannot start a server: "${process.argv[2]}" is no kind of WebSocket server`)
const { port, broadcast } = await start()
process.on('message', (message: Partial<Broadcast>) => {
  if (message.kind !== BROADCAST) return
  const text = 'x'.repeat(message.size ?? 0)
  for (let i = 0; i < (message.times ?? 0); i++) setImmediate(() => broadcast(text))
})
reportListening(port)

/** @param keeps whether each WebSocket keeps the request that it came of, and notes pongs: what an application mostly needs */
async function startWs(keeps: boolean): Promise<Started> {
  const server = createServer()
  // The limits and the answers of a careful server: what Allium has as it comes.
  const sockets = new WebSocketServer({ server, maxPayload: 4 * 1024 * 1024 })
  const kept = new WeakMap<WebSocket, { readonly request: IncomingMessage; isAlive: boolean }>()
  sockets.on('connection', (socket, request) => {
    socket.on('error', () => {})
    if (keeps) {
      const state = { request, isAlive: true }
      kept.set(socket, state)
      socket.on('pong', () => (state.isAlive = true))
    }
    socket.on('message', (data: Buffer, isBinary) => socket.send(isBinary ? data : data.toString()))
  })
  const broadcast = (text: string) => {
    for (const socket of sockets.clients) socket.send(text)
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 4096, resolve))
  return { port: (server.address() as AddressInfo).port, broadcast }
}

async function startAllium(): Promise<Started> {
  const app = new Application()
  const channel = new Channels(app).get('all')
  app.get(
    '/',
    websocket(async socket => {
      await channel.join(socket)
      for await (const message of socket) {
        await socket.send(message.type === 'text' ? message.text() : message.bytes())
      }
    }),
  )
  const runner = new AppRunner(app, { maxConnections: Infinity })
  await runner.startup()
  const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
  return { port, broadcast: text => void channel.broadcast(text) }
}

async function startSocketIo(): Promise<Started> {
  const server = createServer()
  const sockets = new Server(server, { transports: ['websocket'], serveClient: false })
  sockets.on('connection', socket => socket.on('m', (text: string) => socket.emit('m', text)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 4096, resolve))
  return { port: (server.address() as AddressInfo).port, broadcast: text => void sockets.emit('m', text) }
}
