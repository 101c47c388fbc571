import type { Duplex } from 'node:stream'
// Bound at import: a fake one that a test puts in its place later does not hold up what is received.
import { setImmediate } from 'node:timers'

import type { Request, Timer } from '@allium/core'

import { isSendable, toReason } from './close-code.ts'
import { Heartbeat } from './heartbeat.ts'
import { IncomingQueue } from './incoming-queue.ts'
import { BinaryMessage, TextMessage } from './message.ts'
import { MessageBudget } from './message-rate.ts'
import { Outgoing } from './outgoing.ts'
import { WebSocketClosed } from './websocket-closed.ts'
import type { WebSocketLimits } from './websocket-options.ts'
import { gateInflation, limitMessages } from './ws-internals.ts'
import type { RawWebSocket, WebSocketListener } from './ws-server.ts'

/** What a connection comes of. */
export interface ConnectionContext {
  readonly request: Request
  readonly socket: Duplex
  readonly limits: WebSocketLimits
}

/** What the reason of an abort may have: `abortCause` says that it is the server's own. */
interface AbortReason {
  readonly abortCause?: unknown
  readonly closeCode?: unknown
  readonly closeReason?: unknown
}

/** Is called when a connection is over. */
export type ClosedCallback = (connection: Connection) => void

const OPEN = 1

/** One open WebSocket: what arrives, what leaves, and how it ends. */
export class Connection implements WebSocketListener {
  /** The request that it came of. */
  readonly request: Request
  readonly queue: IncomingQueue
  readonly outgoing: Outgoing
  closeCode: number | undefined
  closeReason = ''
  /** What broke the connection, when something did. */
  error: Error | undefined
  readonly #webSocket: RawWebSocket
  readonly #limits: WebSocketLimits
  readonly #heartbeat: Heartbeat
  readonly #budget: MessageBudget | undefined
  #closeTimer: Timer | undefined
  #inflation: (() => void) | undefined
  #onClosed: Set<ClosedCallback> | undefined

  constructor(webSocket: RawWebSocket, { request, socket, limits }: ConnectionContext) {
    const { clock } = request.app
    this.request = request
    this.#webSocket = webSocket
    this.#limits = limits
    this.closeCode = undefined
    this.error = undefined
    this.#closeTimer = undefined
    this.#inflation = undefined
    this.#onClosed = undefined
    this.queue = new IncomingQueue(this)
    this.outgoing = new Outgoing(webSocket, socket, limits, clock, this)
    this.#budget = limits.rate && new MessageBudget(limits.rate, clock)
    this.#heartbeat = new Heartbeat(this, clock, limits.heartbeat, limits.pongTimeout)
    webSocket.listen(this)
    if (webSocket.extensions !== '') gateInflation(webSocket, go => this.#inflate(go))
    socket.resume()
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === OPEN
  }

  get isClosed(): boolean {
    return this.closeCode !== undefined
  }

  /** Whether what the client sends is not received for now. */
  get isPaused(): boolean {
    return this.queue.isFull
  }

  /** Changes how large messages may be from now on. */
  limitMessages(bytes: number): void {
    limitMessages(this.#webSocket, bytes)
  }

  /** Settles when the connection is over. */
  get closed(): Promise<void> {
    return new Promise(resolve => this.whenClosed(() => resolve()))
  }

  /** Calls back when the connection is over, at once if it is. */
  whenClosed(callback: ClosedCallback): void {
    if (this.isClosed) callback(this)
    else (this.#onClosed ??= new Set()).add(callback)
  }

  /** Does not call back any more. */
  forget(callback: ClosedCallback): void {
    this.#onClosed?.delete(callback)
  }

  /** Begins the closing handshake, which has `closeTimeout` to end. What was received and not read is dropped. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return this.queue.end(true)
    this.#webSocket.close(code, reason)
    const { clock } = this.request.app
    this.#closeTimer = clock.setTimer(() => this.#webSocket.terminate(), this.#limits.closeTimeout)
    this.queue.end(true) // makes room: the answer of the client can be seen
  }

  /** Closes since the request was aborted: its session was ended, the server stops, or the client has gone. */
  abort({ abortCause, closeCode, closeReason }: Error & AbortReason): void {
    const otherwise = abortCause === undefined ? 1008 : 1001
    const code = typeof closeCode === 'number' && isSendable(closeCode) ? closeCode : otherwise
    this.close(code, toReason(typeof closeReason === 'string' ? closeReason : ''))
  }

  /** Cuts the connection without a closing handshake. */
  terminate(error: Error): void {
    this.error ??= error
    this.#webSocket.terminate()
  }

  // What the library tells.

  onMessage(data: Buffer, isBinary: boolean): void {
    this.#heartbeat.beat()
    if (!this.isOpen) return this.#rest()
    if (this.#budget && !this.#budget.take()) return this.close(1008, 'Too many messages')
    this.queue.push(isBinary ? new BinaryMessage(data) : new TextMessage(data))
  }

  onPing(data: Buffer): void {
    this.#heartbeat.beat()
    this.outgoing.answer(data)
    this.#rest()
  }

  onPong(): void {
    this.#heartbeat.beat()
    this.#rest()
  }

  onError(error: Error): void {
    this.error ??= error
  }

  onClose(code: number, reason: Buffer): void {
    this.closeCode = code
    this.closeReason = reason.toString()
    this.#heartbeat.stop()
    this.#closeTimer?.clear()
    this.outgoing.end(this.closedError())
    this.queue.end(false)
    const callbacks = this.#onClosed
    this.#onClosed = undefined
    if (callbacks) for (const callback of callbacks) callback(this)
  }

  // What the parts of a connection tell it.

  onFull(): void {
    this.#webSocket.pause()
  }

  onRoom(): void {
    this.#resumeNextTurn()
    const go = this.#inflation
    this.#inflation = undefined
    go?.()
  }

  ping(): void {
    if (this.isOpen) this.#webSocket.ping()
  }

  onSilence(): void {
    this.terminate(new Error(`The client was silent for ${this.#limits.pongTimeout} ms after a ping`))
  }

  onStalled(error: Error): void {
    this.terminate(error)
  }

  closedError(cause?: unknown): WebSocketClosed {
    return new WebSocketClosed(this.closeCode ?? 1006, this.closeReason, { cause: cause ?? this.error })
  }

  /** Receives no more in this turn: here is nothing that would fill the queue. */
  #rest(): void {
    if (this.#webSocket.isPaused) return
    this.#webSocket.pause()
    this.#resumeNextTurn()
  }

  /** In this turn a client that sends without end would be read 2 MiB at a time, and the others wait for it. */
  #resumeNextTurn(): void {
    setImmediate(() => {
      if (!this.queue.isFull) this.#webSocket.resume()
    })
  }

  /** One frame at a time waits: the library begins no other before. */
  #inflate(go: () => void): void {
    if (this.queue.isFull) this.#inflation = go
    else go()
  }
}
