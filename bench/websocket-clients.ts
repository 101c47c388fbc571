import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** A client of as little as possible: what it costs is not to be measured. */
export class BareClient {
  readonly socket: Socket
  /** Bytes that have come behind the handshake. */
  received = 0
  #target = Infinity
  #reached: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (piece: Buffer) => {
      this.received += piece.length
      if (this.received >= this.#target) this.#reached?.()
    })
  }

  /** Calls back, every time that so many more bytes have come. */
  every(bytes: number, callback: () => void): void {
    this.#target = this.received + bytes
    this.#reached = () => {
      this.#target += bytes
      callback()
    }
  }
}

/** Opens WebSockets, a few hundred at a time: from several addresses, since one has no more than 28,000 ports. */
export async function openClients(origin: string, count: number, path: string): Promise<BareClient[]> {
  const clients: BareClient[] = []
  while (clients.length < count) {
    const batch = Array.from({ length: Math.min(250, count - clients.length) }, (_, i) =>
      open(origin, path, `127.0.0.${1 + (i % 8)}`),
    )
    clients.push(...(await Promise.all(batch)))
  }
  return clients
}

async function open(origin: string, path: string, localAddress: string): Promise<BareClient> {
  const { port, hostname } = new URL(origin)
  const socket = connect({ port: Number(port), host: hostname, localAddress })
  socket.setNoDelay()
  socket.on('error', error => {
    throw error // nothing that was measured counts
  })
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  const [head] = (await once(socket, 'data')) as [Buffer]
  if (!head.toString().startsWith('HTTP/1.1 101')) throw new Error(`Cannot measure: ${head.toString()}`)
  return new BareClient(socket)
}

/** A text message below 126 bytes as a client's frame, under a mask of its own. */
export function clientFrame(text: string): Buffer {
  const mask = [1, 2, 3, 4] as const
  const payload = Buffer.from(text).map((byte, i) => byte ^ mask[(i & 3) as 0 | 1 | 2 | 3])
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, ...mask]), payload])
}
