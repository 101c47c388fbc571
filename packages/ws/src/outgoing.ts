import type { Duplex } from 'node:stream'

import type { Clock, Timer } from '@allium/core'

import { frameOf } from './frame.ts'
import type { WebSocketLimits } from './websocket-options.ts'
import type { RawWebSocket } from './ws-server.ts'

/** What sending tells of itself. */
export interface OutgoingOwner {
  /** Why nothing can be sent any more. */
  closedError(cause?: unknown): Error
  /** The client takes too little of what is sent to it: the connection has to go. */
  onStalled(error: Error): void
}

/** A send that waits until its message has left. */
interface WaitingSend {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const OPEN = 1
/** Above this, pongs wait for each other: the latest is enough (RFC 6455 §5.5.3), in bytes. */
const PONGS_WAIT = 16 * 1024
/** Resolved: what is sent at once allocates no promise. */
export const SENT: Promise<void> = Promise.resolve()
/** Up to this length a message and its head are one write, where the library makes two: a tenth less CPU for an echo. */
const SHORT = 1024
const TEXT = { binary: false }
const BYTES = { binary: true }

/** What leaves on one connection: at the pace of the client, and never without bound (P46). */
export class Outgoing {
  readonly #webSocket: RawWebSocket
  readonly #socket: Duplex
  readonly #limits: WebSocketLimits
  readonly #clock: Clock
  readonly #owner: OutgoingOwner
  readonly #deflates: boolean
  #waiting: Set<WaitingSend> | undefined
  #stall: Timer | undefined
  /** Whether a message has left since the client was last looked at. */
  #hasProgress = false
  #owedPong: Buffer | undefined

  constructor(
    webSocket: RawWebSocket,
    socket: Duplex,
    limits: WebSocketLimits,
    clock: Clock,
    owner: OutgoingOwner,
  ) {
    this.#webSocket = webSocket
    this.#socket = socket
    this.#limits = limits
    this.#clock = clock
    this.#owner = owner
    this.#deflates = webSocket.extensions !== ''
    this.#waiting = undefined
    this.#stall = undefined
    this.#owedPong = undefined
  }

  /** Bytes that were sent and have not left. */
  get unsent(): number {
    return this.#webSocket.bufferedAmount
  }

  /** Whether a send would have to wait. */
  get isFull(): boolean {
    return this.unsent > this.#limits.highWaterMark
  }

  /** Whether frames that are made already may go to the socket as they are: not where messages wait to be compressed. */
  get takesFrames(): boolean {
    return !this.#deflates
  }

  /**
   * Sends a message.
   *
   * @param waits whether to settle only when it has left, however little is under way
   */
  send(data: string | Uint8Array, waits: boolean): Promise<void> {
    const webSocket = this.#webSocket
    if (webSocket.readyState !== OPEN) return Promise.reject(this.#owner.closedError())
    const unsent = webSocket.bufferedAmount
    if (unsent > this.#limits.maxUnsent) return this.#overflow()
    const options = typeof data === 'string' ? TEXT : BYTES
    if (!waits && unsent + data.length <= this.#limits.highWaterMark) {
      if (data.length <= SHORT && !this.#deflates) this.#socket.write(frameOf(data))
      else webSocket.send(data, options)
      return SENT
    }
    return this.#sendWaiting(settle => webSocket.send(data, options, settle))
  }

  /** Sends a message whose frame is made already, on a connection that is open: see {@link Outgoing.takesFrames}. */
  sendFrame(frame: Buffer): Promise<void> {
    const unsent = this.unsent
    if (unsent > this.#limits.maxUnsent) return this.#overflow()
    if (unsent + frame.length <= this.#limits.highWaterMark) {
      this.#socket.write(frame)
      return SENT
    }
    return this.#sendWaiting(settle => this.#socket.write(frame, settle))
  }

  /** Sends a ping or a pong. */
  control(kind: 'ping' | 'pong', data: string | Uint8Array): Promise<void> {
    if (this.#webSocket.readyState !== OPEN) return Promise.reject(this.#owner.closedError())
    if (this.unsent > this.#limits.maxUnsent) return this.#overflow()
    if (this.isFull) return this.#sendWaiting(settle => this.#webSocket[kind](data, false, settle))
    this.#webSocket[kind](data, false)
    return SENT
  }

  /** Answers a ping: while others are still on their way, the latest only. */
  answer(ping: Buffer): void {
    if (this.#webSocket.readyState !== OPEN) return
    if (this.unsent <= PONGS_WAIT) return this.#webSocket.pong(ping, false)
    const isWaiting = this.#owedPong !== undefined
    this.#owedPong = Buffer.from(ping)
    if (!isWaiting) this.#socket.once('drain', () => this.#payPong())
  }

  /** The connection is over: nobody waits any more. */
  end(error: Error): void {
    this.#stall?.clear()
    this.#owedPong = undefined
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) for (const { reject } of waiting) reject(error)
  }

  #payPong(): void {
    const pong = this.#owedPong
    this.#owedPong = undefined
    if (pong) this.answer(pong)
  }

  #sendWaiting(send: (settle: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject }
      ;(this.#waiting ??= new Set()).add(waiting)
      send(error => this.#settle(waiting, error))
      this.#watchFor(waiting)
    })
  }

  /** Begins to look whether the client reads, unless the message has left, or failed, at once. */
  #watchFor(waiting: WaitingSend): void {
    if (this.#waiting?.has(waiting)) this.#stall ??= this.#watch()
  }

  #settle(waiting: WaitingSend, error: Error | null | undefined): void {
    if (!this.#waiting?.delete(waiting)) return
    this.#hasProgress = true
    if (this.#waiting.size === 0) {
      this.#stall?.clear()
      this.#stall = undefined
    }
    if (error) waiting.reject(this.#owner.closedError(error))
    else waiting.resolve()
  }

  /** Looks whether the client reads anything, for as long as somebody waits. */
  #watch(): Timer {
    const { sendTimeout } = this.#limits
    const unsent = this.unsent
    const inSystem = bytesInSystem(this.#socket)
    this.#hasProgress = false
    return this.#clock.setTimer(() => {
      const reads = this.#hasProgress || this.unsent < unsent || bytesInSystem(this.#socket) !== inSystem
      if (reads) this.#stall = this.#watch()
      else this.#owner.onStalled(new Error(`The client has read nothing for ${sendTimeout} ms`))
    }, sendTimeout)
  }

  #overflow(): Promise<void> {
    const { maxUnsent } = this.#limits
    this.#owner.onStalled(new Error(`More than ${maxUnsent} bytes wait to be sent`))
    return Promise.reject(this.#owner.closedError())
  }
}

/** What of a write, however large, the system has not taken: the stream itself tells only when all of it has left. */
function bytesInSystem(socket: Duplex & SocketHandle): number | undefined {
  return socket._handle?.writeQueueSize
}

/** What Node's own timeouts of sockets look at, and its types do not list. */
interface SocketHandle {
  readonly _handle?: { readonly writeQueueSize?: number | undefined } | null | undefined
}
