import { RequestAborted, UpgradeResponse, UsageError } from '@allium/core'
import type { Awaitable, Request, SchemaOption } from '@allium/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'

import { assertClosing, toReason } from './close-code.ts'
import { Connection } from './connection.ts'
import { Handshake } from './handshake.ts'
import type { Agreement } from './handshake.ts'
import { InvalidMessage } from './invalid-message.ts'
import type { WebSocketMessage } from './message.ts'
import { MessageIterator } from './message-iterator.ts'
import { nextMessage } from './next-message.ts'
import type { ReceiveOptions } from './next-message.ts'
import { WebSocketClosed } from './websocket-closed.ts'
import { assertMessageSize } from './websocket-options.ts'
import type { WebSocketOptions } from './websocket-options.ts'

/** Converses over a WebSocket; it is closed when this returns. */
export type Conversation<Params> = (socket: WebSocketResponse, request: Request<Params>) => Awaitable<unknown>

/** Where a WebSocket is in its life. */
export type WebSocketState = 'new' | 'open' | 'closing' | 'closed'

/** A connection's own, for channels; the door does not export it. */
export let connectionOf: (socket: WebSocketResponse) => Connection | undefined
/** Makes a response whose conversation begins once the onion has unwound. */
export let converseLater: (
  handshake: Handshake,
  agreement: Agreement,
  converse: Conversation<never>,
) => WebSocketResponse

/**
 * A WebSocket, as the answer to the request that asked for it. {@link websocket} makes one and runs a function over it, which is
 * the usual way; one that is made by hand begins with {@link WebSocketResponse.prepare}, and is returned at the end.
 *
 * Messages are received one after another, by a loop or by `receive…`; none is lost before the first read. While too many wait
 * (16, or 64 KiB) nothing more is received. `send…` wait while the client does not read.
 *
 * It is closed with 1000 when the handler returns, 1011 when it throws, 1001 when the server stops, 1008 when the login was
 * revoked, 1002, 1007 and 1009 when the client breaks the protocol.
 *
 * @example
 * ```ts
 * import { Application } from '@allium/core'
 * import { WebSocketResponse } from '@allium/ws'
 *
 * const app = new Application()
 * app.get('/echo', async request => {
 *   const socket = new WebSocketResponse({ heartbeat: 10_000 })
 *   await socket.prepare(request)
 *   for await (const message of socket) await socket.send(message.text())
 *   return socket
 * })
 * ```
 */
export class WebSocketResponse extends UpgradeResponse implements AsyncIterable<WebSocketMessage> {
  static {
    connectionOf = socket => socket.#connection
    converseLater = (handshake, agreement, converse) => {
      const socket = new WebSocketResponse({}, handshake)
      socket.#agreement = agreement
      socket.#converse = converse
      return socket
    }
  }

  readonly #handshake: Handshake
  #agreement: Agreement | undefined
  #converse: Conversation<never> | undefined
  #request: Request | undefined
  #connection: Connection | undefined
  #abortReason: Error | undefined

  /**
   * @throws RangeError for a limit that is none
   * @throws TypeError for an origin or a sub-protocol that is none
   */
  constructor(options?: WebSocketOptions | undefined)
  /** @internal */
  constructor(options: WebSocketOptions, handshake: Handshake)
  constructor(options: WebSocketOptions = {}, handshake: Handshake = new Handshake(options)) {
    super()
    this.#handshake = handshake
    this.#agreement = undefined
    this.#converse = undefined
    this.#request = undefined
    this.#connection = undefined
    this.#abortReason = undefined
  }

  /** `new` before {@link WebSocketResponse.prepare}, `closing` from the first close frame on. */
  get state(): WebSocketState {
    const connection = this.#connection
    if (!connection) return 'new'
    return connection.isOpen ? 'open' : connection.isClosed ? 'closed' : 'closing'
  }

  /** The sub-protocol that was agreed on, if any. */
  get protocol(): string | undefined {
    return this.#agreement?.protocol
  }

  /** What it was closed with: the client's code, 1005 when it gave none, 1006 when the connection broke. */
  get closeCode(): number | undefined {
    return this.#connection?.closeCode
  }

  /** The reason that came with the code. Untrusted: it is what the client says. */
  get closeReason(): string | undefined {
    return this.#connection?.closeReason
  }

  /** What broke the connection, when something did: a violation of the protocol, silence, a client that does not read. */
  get failure(): Error | undefined {
    return this.#connection?.error
  }

  /** Bytes that were sent and have not left. */
  get unsent(): number {
    return this.#connection?.outgoing.unsent ?? 0
  }

  /**
   * Fires when the conversation is over, whoever ended it: hand it to what the handler waits for.
   *
   * @throws UsageError `ERR_WEBSOCKET_STATE` before {@link WebSocketResponse.prepare}
   */
  get signal(): AbortSignal {
    return this.#opened('wait for the end of').request.signal
  }

  /**
   * Completes the handshake: runs the prepare hooks and sends the 101, with the header fields and cookies of this response.
   *
   * @throws HttpUpgradeRequired, HttpBadRequest or HttpForbidden for a handshake that is refused: let it pass, it is the answer
   * @throws RequestAborted when the client has gone
   * @throws UsageError `ERR_WEBSOCKET_STATE` when called twice
   */
  async prepare(request: Request): Promise<void> {
    if (this.#request) throw wrongState('prepare', 'it is prepared already')
    this.#request = request
    try {
      this.#agreement ??= await this.#handshake.check(request)
      const upgraded = await request.upgrade(this)
      const webSocket = this.#handshake.complete(upgraded, this.#agreement)
      const { limits } = this.#handshake
      this.#connection = new Connection(webSocket, { request, socket: upgraded.socket, limits })
    } catch (error) {
      this.#request = undefined
      throw error
    }
    if (this.#abortReason) this.#connection.abort(this.#abortReason)
  }

  /** @internal Closes, as soon as it is open. */
  override abort(reason: Error): void {
    this.#abortReason = reason
    this.#connection?.abort(reason)
  }

  /** @internal Converses, now that the onion has unwound. */
  override async begin(request: Request): Promise<void> {
    await this.prepare(request)
    try {
      await this.#converse?.(this, request as Request<never>) // the route gave it the params of its path
    } catch (error) {
      if (!isOrderly(error)) this.#log(request, error)
      this.#closeAfter(error)
    }
  }

  /** @internal Closes, and waits until it is closed. */
  override async conclude(failure: unknown): Promise<void> {
    const connection = this.#connection
    if (!connection) return
    this.#closeAfter(failure)
    connection.queue.end(true)
    await connection.closed
  }

  /**
   * The next message.
   *
   * @throws WebSocketClosed when there is none any more
   * @throws DOMException `TimeoutError` after the timeout; the message that comes later is there for the next call
   * @throws the reason of the AbortSignal, as soon as that fires
   * @throws UsageError `ERR_WEBSOCKET_STATE` before {@link WebSocketResponse.prepare}, or while another read waits
   */
  async receive(options?: ReceiveOptions | undefined): Promise<WebSocketMessage> {
    const connection = this.#opened('receive from')
    const message = await nextMessage(connection.queue, connection.request.app.clock, options)
    if (message) return message
    throw connection.closedError()
  }

  /** As {@link WebSocketResponse.receive}, for text. @throws InvalidMessage for bytes */
  async receiveText(options?: ReceiveOptions | undefined): Promise<string> {
    return (await this.receive(options)).text()
  }

  /** As {@link WebSocketResponse.receive}, for bytes, which are not copied. @throws InvalidMessage for text */
  async receiveBytes(options?: ReceiveOptions | undefined): Promise<Buffer> {
    return (await this.receive(options)).bytes()
  }

  /** As {@link WebSocketResponse.receive}, for JSON. @throws InvalidMessage for bytes, and text that is not JSON */
  async receiveJson(options?: ReceiveOptions | undefined): Promise<unknown>
  /** The same, as what a schema makes of it. @throws InvalidMessage also for what does not fit */
  async receiveJson<Schema extends StandardSchemaV1>(
    options: ReceiveOptions & SchemaOption<Schema>,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>
  async receiveJson(options?: ReceiveOptions & Partial<SchemaOption<StandardSchemaV1>>): Promise<unknown> {
    const message = await this.receive(options)
    return options?.schema ? message.json({ schema: options.schema }) : message.json()
  }

  /** Every message, one after another, until the WebSocket is closed. Leaving the loop closes nothing. */
  [Symbol.asyncIterator](): AsyncIterator<WebSocketMessage, undefined> {
    return new MessageIterator(this.#opened('receive from').queue)
  }

  /**
   * Every message as what a schema makes of its JSON, until the WebSocket is closed.
   *
   * @throws InvalidMessage for a message that does not fit, within the loop
   */
  async *jsonMessages<Schema extends StandardSchemaV1>(
    options: SchemaOption<Schema>,
  ): AsyncGenerator<StandardSchemaV1.InferOutput<Schema>, undefined> {
    for await (const message of this) yield await message.json(options)
  }

  /**
   * Sends text as a text message, bytes as a binary one. Resolves at once while little is under way (`highWaterMark`), else
   * when the message has left.
   *
   * @throws WebSocketClosed when it is closed, or closed before the message has left
   * @throws TypeError for anything else, such as an object: see {@link WebSocketResponse.sendJson}
   * @throws UsageError `ERR_WEBSOCKET_STATE` before {@link WebSocketResponse.prepare}
   */
  send(data: string | Uint8Array | ArrayBuffer): Promise<void> {
    if (typeof data !== 'string') return this.sendBytes(data)
    return this.#connection?.outgoing.send(data, false) ?? Promise.reject(notOpen('send to'))
  }

  /**
   * Sends bytes, which are not copied: they must not change before this has resolved, which is when they have left.
   *
   * @throws as {@link WebSocketResponse.send}
   */
  sendBytes(data: Uint8Array | ArrayBuffer): Promise<void> {
    if (!(data instanceof Uint8Array) && !(data instanceof ArrayBuffer)) {
      return Promise.reject(new TypeError('Cannot send to a WebSocket: neither text nor bytes were given'))
    }
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data
    return this.#connection?.outgoing.send(bytes, true) ?? Promise.reject(notOpen('send to'))
  }

  /** Sends a value as JSON. @throws as {@link WebSocketResponse.send}; TypeError for what has no JSON */
  async sendJson(value: unknown): Promise<void> {
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) throw new TypeError('Cannot send to a WebSocket: the value has no JSON')
    return this.send(text)
  }

  /**
   * Sends a ping, for protocols that want more of them than the heartbeat sends. @throws RangeError for more than 125 bytes;
   * else as {@link WebSocketResponse.send}
   */
  async ping(data: string | Uint8Array = ''): Promise<void> {
    return this.#control('ping', data)
  }

  /** Sends a pong that nobody has asked for; those that were asked for go by themselves. @throws as `ping` */
  async pong(data: string | Uint8Array = ''): Promise<void> {
    return this.#control('pong', data)
  }

  /**
   * Changes `maxMessageSize` from the next frame on: small before the login, larger after it.
   *
   * @throws RangeError for a size that is not above 0
   * @throws UsageError `ERR_WEBSOCKET_STATE` before {@link WebSocketResponse.prepare}
   */
  setMaxMessageSize(bytes: number): void {
    this.#opened('limit the messages of').limitMessages(assertMessageSize(bytes))
  }

  /**
   * Closes: sends the code, and resolves when the client has answered, or its time is over. Messages that were not read are
   * dropped, and whoever waits for one hears that there is none. Closing what is closed does nothing.
   *
   * @param code 1000 to 1003, 1007 to 1014, or one of your own from 3000 to 4999; default 1000
   * @param reason up to 123 bytes
   * @throws RangeError for another code, or a longer reason
   * @throws UsageError `ERR_WEBSOCKET_STATE` before {@link WebSocketResponse.prepare}
   */
  async close(code = 1000, reason = ''): Promise<void> {
    assertClosing(code, reason)
    const connection = this.#opened('close')
    connection.close(code, reason)
    await connection.closed
  }

  /** Cuts the connection without a closing handshake: the client sees 1006. */
  terminate(): void {
    this.#opened('terminate').terminate(new Error('The handler cut the connection'))
  }

  /** What the client is told of a failure: nothing but that there was one, unless in debug mode. */
  #closeAfter(failure: unknown): void {
    const connection = this.#connection
    if (!connection?.isOpen) return
    if (failure === undefined || failure instanceof WebSocketClosed) return connection.close(1000, '')
    if (failure instanceof RequestAborted) return connection.close(1001, '')
    const text = this.#request?.app.debug && failure instanceof Error ? failure.message : ''
    connection.close(failure instanceof InvalidMessage ? failure.closeCode : 1011, toReason(text))
  }

  #log({ app, method, rawPath: path, route }: Request, err: unknown): void {
    app.logger.error({ method, path, route: route?.path, err }, 'A WebSocket handler failed')
  }

  async #control(kind: 'ping' | 'pong', data: string | Uint8Array): Promise<void> {
    if (Buffer.byteLength(data) > 125) throw new RangeError(`Cannot send a ${kind} of more than 125 bytes`)
    return this.#opened(`${kind}`).outgoing.control(kind, data)
  }

  #opened(attempt: string): Connection {
    if (this.#connection) return this.#connection
    throw notOpen(attempt)
  }
}

/** Whether an error only says that the conversation is over, or what the client did wrong. */
function isOrderly(error: unknown): boolean {
  return (
    error instanceof WebSocketClosed || error instanceof InvalidMessage || error instanceof RequestAborted
  )
}

function notOpen(attempt: string): UsageError {
  return wrongState(attempt, 'prepare() has not completed its handshake')
}

function wrongState(attempt: string, state: string): UsageError {
  return new UsageError('ERR_WEBSOCKET_STATE', `Cannot ${attempt} a WebSocket: ${state}`)
}
