import type { Duplex } from 'node:stream'

import type { CallWatch, WatchedCall } from './call-watch.ts'
import type { ClientConnection, ConnectionCall } from './client-connection.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { timeoutError } from './deadline.ts'
import type { ExchangeRecord } from './exchange-record.ts'
import { ReceivedBody } from './received-body.ts'
import type { PreparedRequest } from './request-init.ts'
import type { ResponseHead } from './response-head.ts'

/** How a request is sent. */
export interface SendOptions {
  readonly pool: ConnectionPool
  readonly watch: CallWatch
  /** Until the response begins, in milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  readonly record: ExchangeRecord
  /** What is known of a request that is not answered: lines behind the first of a message. */
  readonly report: (record: ExchangeRecord) => string
  /** So many bytes came where HTTP has none. */
  readonly onSurplus: (bytes: number) => void
  /** The port of this end of a connection. */
  readonly portOf: (socket: Duplex) => number | undefined
}

/**
 * A request that is under way: resolves when the head of its response has arrived, and stays until the body has too. It is
 * sent once: what fails is not tried again.
 */
export class SentRequest implements ConnectionCall, WatchedCall {
  readonly prepared: PreparedRequest
  /** What was answered before the response. */
  readonly informational: ResponseHead[] = []
  readonly body: ReceivedBody
  deadline: number
  #head: ResponseHead | undefined
  /** The connection, once another protocol has it. */
  upgraded: Duplex | undefined
  readonly #options: SendOptions
  readonly #connection: ClientConnection
  #settle!: { resolve: (head: ResponseHead) => void; reject: (error: Error) => void }
  readonly #abort = (): void => this.#connection.cut(this.#options.signal!.reason as Error)

  constructor(prepared: PreparedRequest, options: SendOptions) {
    this.prepared = prepared
    this.#options = options
    this.#connection = options.pool.take()
    this.body = new ReceivedBody(this.#connection)
    this.deadline = options.watch.now() + options.timeout
  }

  /**
   * Sends it.
   *
   * @throws Error naming method and path, with the `code` of what it was caused by
   */
  send(): Promise<ResponseHead> {
    const { signal, watch, pool, record, portOf } = this.#options
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      try {
        signal?.throwIfAborted()
        this.#connection.send(this.prepared, this)
        record.port = portOf(this.#connection.socket)
      } catch (error) {
        pool.onIdle(this.#connection)
        record.end(error as Error)
        throw error
      }
      watch.add(this)
      signal?.addEventListener('abort', this.#abort)
    })
  }

  onLate(): void {
    const { method, path } = this.prepared
    this.#giveUp(`${method} ${path} failed: no response within ${this.#options.timeout} ms`)
  }

  /** Only while the head is awaited: whoever reads the body watches over that. */
  get onStuck(): (() => void) | undefined {
    if (this.#head) return undefined
    const { method, path } = this.prepared
    return () => this.#giveUp(`${method} ${path} failed: nothing goes on any more that could answer it`)
  }

  onWire(direction: 'sent' | 'received', bytes: Uint8Array | string): void {
    this.#options.record[direction].add(bytes)
  }

  onInformation(head: ResponseHead): void {
    this.informational.push(head)
  }

  onHead(head: ResponseHead): void {
    this.#options.record.port = this.#options.portOf(this.#connection.socket)
    this.#head = head
    this.deadline = Infinity
    this.#settle.resolve(head)
  }

  onBody(bytes: Buffer): void {
    this.body.push(bytes)
  }

  onEnd(rawTrailers: readonly string[]): void {
    this.body.end(rawTrailers)
    this.#options.record.end()
    this.#forget()
  }

  onUpgrade(socket: Duplex): void {
    this.upgraded = socket
  }

  onFailure(cause: Error): void {
    this.#forget()
    const error = this.#describe(cause)
    this.#options.record.end(error)
    if (this.#head) this.body.fail(error)
    else this.#settle.reject(error)
  }

  onSurplus(bytes: Buffer): void {
    this.#options.onSurplus(bytes.length)
  }

  #giveUp(message: string): void {
    const { record, report, portOf } = this.#options
    record.port = portOf(this.#connection.socket) // a real socket had none before it was connected
    this.#connection.cut(timeoutError(`${message}${report(record)}`))
  }

  #describe(cause: NodeJS.ErrnoException): Error {
    const { signal } = this.#options
    if ((signal?.aborted && cause === signal.reason) || cause.name === 'TimeoutError') return cause
    const { method, path } = this.prepared
    const error = new Error(`${method} ${path} failed: ${cause.message}`, { cause })
    return Object.assign(error, { code: cause.code })
  }

  #forget(): void {
    this.#options.watch.remove(this)
    this.#options.signal?.removeEventListener('abort', this.#abort)
  }
}
