import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { answered, breakBody } from './body.ts'
import type { Clock } from './clock.ts'
import { destroySoon } from './destroy-soon.ts'
import type { HttpError } from './http-error.ts'
import { unmapped } from './ip-address.ts'
import type { Peer, ProxyTrust } from './proxy-trust.ts'
import { RequestAborted } from './request-aborted.ts'
import { abortRequest } from './request.ts'
import type { Request } from './request.ts'

/** One request with the response that belongs to it. */
export interface QueuedExchange {
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  /** Begins to answer; calls {@link Connection.finish} when the answer has left. */
  start(): void
}

/** What one connection may ask for; see the options of the runner. */
export interface ConnectionLimits {
  readonly maxPipelined: number
  readonly maxRequestsPerSocket: number
  readonly drainLimit: number
  readonly drainTimeout: number
}

/**
 * One client connection: answers its requests one at a time and in order, however many are pipelined, and decides
 * what becomes of bytes that nobody reads.
 */
export class Connection {
  readonly socket: Duplex
  readonly limits: ConnectionLimits
  readonly peer: Peer
  /** The last valid Host field: nearly always that of the next request too, so that it is checked once. */
  knownHost: string | undefined = undefined
  readonly #waiting: QueuedExchange[] = []
  #accepted = 0
  #current: QueuedExchange | undefined
  #request: Request | undefined
  #isRefusing = false
  #isBroken = false
  #isLeft = false

  constructor(socket: Duplex, limits: ConnectionLimits, trust: ProxyTrust | undefined) {
    const address = (socket as Socket).remoteAddress // a socket does not know it any more when the client has gone
    this.socket = socket
    this.limits = limits
    this.peer = { address: address && unmapped(address), trust }
  }

  /** Whether a request is being answered or waits for it. */
  get isBusy(): boolean {
    return this.#current !== undefined
  }

  /** Serves the exchange now, or after those before it. Too many of them close the connection (P4). */
  accept(exchange: QueuedExchange): void {
    if (this.#isRefusing) return
    if (++this.#accepted >= this.limits.maxRequestsPerSocket) this.#isRefusing = true
    if (this.#current === undefined) {
      this.#current = exchange
      exchange.start()
    } else if (this.#waiting.length < this.limits.maxPipelined) {
      this.#waiting.push(exchange)
    } else {
      this.#isRefusing = true // what is accepted is answered; the last answer closes
    }
  }

  /** Ties the request in progress to the connection, so that its AbortSignal hears of the end. */
  track(request: Request): void {
    this.#request = request
  }

  /** Fires the AbortSignal of the request in progress. */
  abort(reason: RequestAborted): void {
    if (this.#request) abortRequest(this.#request, reason)
  }

  /** Whether requests wait behind the one in progress. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether nothing more is accepted here: the last answer closes. */
  get isRefusing(): boolean {
    return this.#isRefusing
  }

  /** Whether the rest of the request in progress will never arrive. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** The answer in progress says that it is the last one: nothing behind it is served (RFC 9112 §9.6). */
  refuseRest(): void {
    this.#isRefusing = true
    this.#waiting.length = 0
  }

  /** The connection speaks another protocol from now on: its end leaves nothing unanswered. */
  handOver(): void {
    this.refuseRest()
    this.#isLeft = true
  }

  /** The answer has left: on to the next one. */
  finish(): void {
    this.#request = undefined
    if (this.socket.destroyed) this.#waiting.length = 0
    this.#current = this.#waiting.shift()
    if (this.#current) this.#current.start()
  }

  /**
   * What arrives is not HTTP any more. Requests that came before are answered, and the last answer closes the
   * connection: no refusal is written into the middle of an answer (P4).
   *
   * @returns false when nothing is in progress, so that the caller may refuse in words
   */
  breakOff(error: HttpError): boolean {
    if (this.#current === undefined) return false
    this.#isRefusing = true
    if (!this.#current.raw.complete) {
      this.#isBroken = true
      breakBody(this.#current.raw, error)
    }
    return true
  }

  /**
   * The client has gone, or will not send the rest: nothing that waits will run.
   *
   * @returns how many requests stay without their answer, those of an earlier call not counted
   */
  close(): number {
    const unanswered = this.#waiting.length + (this.#current && !this.#isLeft ? 1 : 0)
    this.#isLeft = true
    this.#waiting.length = 0
    this.abort(new RequestAborted('client gone'))
    return unanswered
  }
}

/**
 * Prepares for an answer that leaves before its request has arrived whole: what is still to come is discarded up
 * to a bound, and the client gets to read the answer before the connection ends (P5, RFC 9112 §9.6).
 */
export function discardUnreadBody(
  { raw, response }: QueuedExchange,
  limits: ConnectionLimits,
  clock: Clock,
): void {
  const { drainLimit, drainTimeout } = limits
  const { socket } = raw
  // Without a length there may be more to come than is discarded, and with it would go the next request.
  if (Number(raw.headers['content-length'] ?? Infinity) > drainLimit) response.shouldKeepAlive = false

  breakBody(raw, answered()) // a reader that comes now would take the rest for all of it
  let discarded = 0
  raw.on('data', (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > drainLimit) raw.pause() // the kernel holds the rest until the time is up
  })
  raw.on('error', () => {}) // the client may leave now; nobody waits for these bytes
  raw.resume()

  // Node would destroy the socket with bytes unread: that resets the connection and takes the answer with it.
  socket.destroySoon = () => socket.end()
  const timer = clock.setTimer(() => socket.destroy(), drainTimeout)
  const onClose = () => timer.clear()
  socket.once('close', onClose)
  raw.once('end', () => {
    timer.clear()
    socket.off('close', onClose)
    Reflect.deleteProperty(socket, 'destroySoon')
    if (socket.writableEnded) destroySoon(socket)
  })
}
