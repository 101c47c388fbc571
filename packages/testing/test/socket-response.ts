import { once } from 'node:events'

import { UpgradeResponse } from '@allium/core'
import type { Request } from '@allium/core'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'

const server = new WebSocketServer({
  noServer: true,
  perMessageDeflate: true,
  handleProtocols: protocols => (protocols.has('chat') ? 'chat' : false),
})

/** A WebSocket of the package `ws` as the answer of a route: the least that a client can be tested against. */
export class SocketResponse extends UpgradeResponse {
  readonly #converse: (socket: WebSocket) => void
  #socket: WebSocket | undefined

  constructor(converse: (socket: WebSocket) => void) {
    super()
    this.#converse = converse
  }

  override async begin(request: Request): Promise<void> {
    const { socket, head, headers } = await request.upgrade(this)
    const addHeaders = (lines: string[]) => {
      for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
    }
    server.once('headers', addHeaders)
    socket.resume()
    server.handleUpgrade(request.raw, socket, head, opened => {
      this.#socket = opened
      this.#converse(opened)
    })
    if (!this.#socket) return
    request.signal.addEventListener('abort', () => this.#socket?.close(1001))
    await once(this.#socket, 'close')
  }

  override async conclude(): Promise<void> {
    this.#socket?.close()
  }
}

/** Sends back what comes. */
export function echo(): SocketResponse {
  return new SocketResponse(socket => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
}
