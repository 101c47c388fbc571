import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import fastifyWebsocket from '@fastify/websocket'
import { Application, UpgradeResponse } from '@allium/core'
import type { Request } from '@allium/core'
import { TestClient } from '@allium/testing'
import fastify from 'fastify'
import { WebSocket, WebSocketServer } from 'ws'

import type { Subject } from './subject.ts'

/** Sends back what comes, by the same `ws` as the others. */
class Echo extends UpgradeResponse {
  static readonly #server = new WebSocketServer({ noServer: true })
  #socket: WebSocket | undefined

  override async begin(request: Request): Promise<void> {
    const { socket, head } = await request.upgrade(this)
    Echo.#server.handleUpgrade(request.raw, socket, head, opened => {
      this.#socket = opened
      echo(opened)
    })
    socket.resume()
    await once(this.#socket!, 'close')
  }

  override async conclude(): Promise<void> {
    this.#socket?.close()
  }
}

function echo(socket: WebSocket): void {
  socket.on('message', (data: Buffer) => socket.send(data.toString()))
}

function allium(name: string, transport: 'memory' | 'tcp'): Subject {
  return {
    name,
    start: async () => {
      const app = new Application()
      app.get('/', () => new Echo())
      const client = await TestClient.start(app, { transport })
      const run = async () => {
        const socket = await client.ws('/')
        await socket.send('hello')
        const text = await socket.receiveText()
        await socket.close()
        return text
      }
      return { run, stop: () => client.close() }
    },
  }
}

const overTcp: Subject = {
  name: 'ws on a port',
  start: async () => {
    const server = createServer()
    new WebSocketServer({ server }).on('connection', echo)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const stop = async () => void server.close()
    return {
      run: () => converse(new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false })),
      stop,
    }
  },
}

const injected: Subject = {
  name: 'injectWS, Fastify',
  start: async () => {
    const app = fastify()
    await app.register(fastifyWebsocket)
    app.get('/', { websocket: true }, echo)
    await app.ready()
    return { run: async () => converse(await app.injectWS('/')), stop: () => app.close() }
  },
}

async function converse(socket: WebSocket): Promise<string> {
  if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open')
  const answered = once(socket, 'message')
  socket.send('hello')
  const [data] = (await answered) as [Buffer]
  socket.close()
  await once(socket, 'close')
  return data.toString()
}

/** Opens a WebSocket, has one message come back, and closes it. light-my-request, supertest and Hono have none. */
export const webSockets: readonly Subject[] = [
  overTcp,
  allium('Allium, memory', 'memory'),
  allium('Allium, TCP', 'tcp'),
  injected,
]
