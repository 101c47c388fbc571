import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { announcesBody } from './body.ts'
import { destroySoon } from './destroy-soon.ts'

/** The protocol that connections change to here; any other in `Upgrade` is as if it were not there (RFC 9110 §7.8). */
const PROTOCOL = 'websocket'
/** How much a client may send ahead of the 101 before it is read no further, in bytes. */
const MAX_HEAD = 64 * 1024

/** A connection that was taken away from HTTP: see `request.upgrade()`. */
export interface UpgradedConnection {
  /** The socket, paused: listen, then call `resume()`. */
  readonly socket: Duplex
  /** What the client has sent behind its request. */
  readonly head: Buffer
  /** Header fields for the 101, cookies among them, as names and values in turn. */
  readonly headers: readonly string[]
}

/**
 * Whether the connection of a request may change its protocol: what the handler then does with it is up to the handler.
 * A request with a body, or one behind which others are still being answered, is an ordinary one (P44).
 */
export function mayUpgrade(raw: IncomingMessage): boolean {
  return asksForUpgrade(raw) && !isAnswering(raw.socket)
}

/** Whether a request asks for another protocol that connections change to here. */
export function asksForUpgrade(raw: IncomingMessage): boolean {
  const { method, httpVersionMinor, headers } = raw
  if (method !== 'GET' || httpVersionMinor !== 1 || announcesBody(raw)) return false
  return (headers.upgrade ?? '').split(',').some(token => token.trim().toLowerCase() === PROTOCOL)
}

/** Whether an earlier answer still has the socket, which an upgrade would overtake. */
export function isAnswering(socket: Duplex): boolean {
  return (socket as Duplex & { _httpMessage?: unknown })._httpMessage != null // Node's own mark of it
}

/**
 * A request whose connection may change its protocol, from its arrival until it is decided: keeps what the client sends
 * meanwhile, so that no byte is lost and the end of the client is noticed, and writes ordinary answers.
 */
export class PendingUpgrade {
  readonly #socket: Socket
  readonly #response: ServerResponse
  readonly #pieces: Buffer[]
  readonly #keep = (piece: Buffer): void => {
    this.#pieces.push(piece)
    this.#size += piece.length
    if (this.#size > MAX_HEAD) this.#socket.pause()
  }
  readonly #close = (): void => destroySoon(this.#socket.resume())
  readonly #drain = (): void => void this.#response.emit('drain')
  #size: number

  constructor(raw: IncomingMessage, socket: Duplex, head: Buffer) {
    this.#socket = socket as Socket // what is like one, of a server of Node's
    this.#pieces = [head]
    this.#size = head.length
    this.#response = new ServerResponse(raw)
    // Node clears its own flag only for the answers that it has made itself.
    Object.defineProperty(this.#response, 'writableNeedDrain', { get: () => socket.writableNeedDrain })
    this.#response.assignSocket(this.#socket)
    this.#response.once('finish', this.#close)
    socket.on('error', ignore) // Node has taken its own listener away: a reset would end the process
    socket.on('drain', this.#drain).on('data', this.#keep)
  }

  /** What writes an ordinary answer: the last one on its connection. */
  get response(): ServerResponse {
    return this.#response
  }

  /** Whether there is nobody any more to talk to. */
  get isGone(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded
  }

  /** Gives the socket away. */
  take(): { socket: Duplex; head: Buffer } {
    const socket = this.#socket
    this.#response.off('finish', this.#close)
    this.#response.detachSocket(socket)
    socket.off('drain', this.#drain).off('data', this.#keep).pause()
    if ('setTimeout' in socket) socket.setTimeout(0) // a stream of another kind has none
    return { socket, head: Buffer.concat(this.#pieces) }
  }
}

/**
 * The class of requests for a server of a Node that cannot be asked which upgrades it wants (before 22.21 and 24.9): there
 * all come to the `upgrade` event, HTTP/2 over plain text too, without their bodies.
 */
export function messagesThatAsk(): typeof IncomingMessage {
  class ChoosyMessage extends IncomingMessage {}
  const answers = new WeakMap<IncomingMessage, boolean>()
  Object.defineProperty(ChoosyMessage.prototype, 'upgrade', {
    set(this: AskingMessage, asks: boolean | null) {
      this.asks = asks
    },
    get(this: AskingMessage) {
      if (this.asks !== true) return false
      const answer = answers.get(this) ?? (this.method === 'CONNECT' || mayUpgrade(this))
      answers.set(this, answer)
      return answer
    },
  })
  return ChoosyMessage
}

/** What Node's parser has found is kept under another name. */
interface AskingMessage extends IncomingMessage {
  asks?: boolean | null
}

function ignore(): void {}
