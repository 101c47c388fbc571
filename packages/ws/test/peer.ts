import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

import type { TestClient } from '@allium/testing'
import { WebSocket } from 'ws'
import type { ClientOptions } from 'ws'

/** The client's end of a WebSocket, by the library `ws`: keeps what arrives until it is asked for. */
export class Peer {
  readonly socket: WebSocket
  /** Code and reason once it is over. */
  readonly closed: Promise<readonly [number, string]>
  /** The head of the 101. */
  response: IncomingMessage | undefined
  readonly #received: (string | Buffer)[] = []
  #waiting: ((data: string | Buffer) => void) | undefined

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('upgrade', response => (this.response = response))
    socket.on('message', (data: Buffer, isBinary) => this.#take(isBinary ? data : data.toString()))
    socket.on('error', () => {}) // its code says what there is to say
    this.closed = new Promise(resolve =>
      socket.on('close', (code, reason) => resolve([code, reason.toString()])),
    )
  }

  /** The next message. */
  next(): Promise<string | Buffer> {
    const data = this.#received.shift()
    return data === undefined ? new Promise(resolve => (this.#waiting = resolve)) : Promise.resolve(data)
  }

  #take(data: string | Buffer): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting(data)
    else this.#received.push(data)
  }
}

/** Opens a WebSocket over the transport of a client. */
export async function open(
  client: TestClient,
  path: string,
  { protocols, ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<Peer> {
  const url = client.origin.replace('http', 'ws') + path
  const peer = new Peer(new WebSocket(url, protocols ?? [], { agent: client.agent, ...options }))
  await once(peer.socket, 'open')
  return peer
}
