import type { SchemaOption } from '@allium/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'

import type { CallWatch } from './call-watch.ts'
import { timeoutError } from './deadline.ts'
import { parseWith } from './parse-with.ts'

/** One message, whole: text, or bytes. */
export type ReceivedMessage = string | Uint8Array

/** How a WebSocket ended. */
export interface WebSocketClose {
  /** The close code of the server, 1005 for none; 1006 when the connection broke without one. */
  readonly code: number
  /** The reason of the server, often `''`. */
  readonly reason: string
}

/** What is needed of a WebSocket that speaks the protocol. @internal */
export interface WireWebSocket {
  readonly protocol: string
  readonly extensions: string
  send(data: string | Uint8Array, done: (error?: Error | null) => void): void
  ping(data: string | Uint8Array, mask: boolean, done: (error?: Error | null) => void): void
  close(code?: number, reason?: string): void
  terminate(): void
  pause(): void
  resume(): void
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown
  on(event: 'ping' | 'pong', listener: (data: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** What a {@link TestWebSocket} is made of. @internal */
export interface OpenedWebSocket {
  readonly wire: WireWebSocket
  readonly watch: CallWatch
  readonly timeout: number
  /** Method and URL, for messages. */
  readonly name: string
}

interface Waiting {
  readonly what: string
  readonly take: () => boolean
  readonly fail: (error: Error) => void
}

/** How much is taken in before anybody asks for it, in bytes: then the server is held back. */
const HIGH_WATER_MARK = 1024 * 1024

/**
 * A WebSocket of a test: messages one by one, or in a `for await`, which ends when the WebSocket does. What arrives is kept until
 * it is received.
 */
export class TestWebSocket implements AsyncIterableIterator<ReceivedMessage>, AsyncDisposable {
  /** Settles when the WebSocket is over, whoever has ended it. Never rejects. */
  readonly closed: Promise<WebSocketClose>
  readonly #opened: OpenedWebSocket
  readonly #messages: ReceivedMessage[] = []
  readonly #pings: Uint8Array[] = []
  readonly #pongs: Uint8Array[] = []
  readonly #waiting: Waiting[] = []
  #size = 0
  #close: WebSocketClose | undefined
  #error: Error | undefined

  /** @internal Made by a client. */
  constructor(opened: OpenedWebSocket) {
    const { wire } = opened
    this.#opened = opened
    wire.on('message', (data, isBinary) => this.#take(data, isBinary))
    wire.on('ping', data => void this.#pings.push(data))
    wire.on('pong', data => {
      this.#pongs.push(data)
      this.#serve()
    })
    wire.on('error', error => (this.#error = error))
    this.closed = new Promise(resolve => {
      wire.on('close', (code, reason) => {
        this.#close = { code, reason: reason.toString() }
        this.#serve()
        resolve(this.#close)
      })
    })
  }

  /** The subprotocol that the server has chosen, `''` for none. */
  get protocol(): string {
    return this.#opened.wire.protocol
  }

  /** The extensions that were agreed on, `'permessage-deflate'` for instance; `''` for none. */
  get extensions(): string {
    return this.#opened.wire.extensions
  }

  /** The pings that have come, oldest first. They are answered, as every client does. */
  get pings(): readonly Uint8Array[] {
    return this.#pings
  }

  /**
   * Sends a message, as text or as bytes. Resolves when the connection has room for more.
   *
   * @throws Error when the WebSocket is closing or closed
   */
  send(message: string | Uint8Array): Promise<void> {
    return this.#write(done => this.#opened.wire.send(message, done))
  }

  /**
   * Sends a value as JSON.
   *
   * @throws TypeError for what JSON cannot express
   */
  async sendJson(value: unknown): Promise<void> {
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) throw new TypeError(`Cannot send a ${typeof value} as JSON`)
    await this.send(text)
  }

  /** Sends a ping and resolves when it has been answered. */
  async ping(data: string | Uint8Array = ''): Promise<void> {
    const due = this.#pongs.length + 1
    await this.#write(done => this.#opened.wire.ping(data, true, done))
    await this.#wait('a pong', () => (this.#pongs.length >= due ? true : undefined))
  }

  /**
   * The next message, when it has come.
   *
   * @throws Error when none comes within the timeout, or the WebSocket ends before, with the close code and the reason
   */
  receive(): Promise<ReceivedMessage> {
    return this.#wait('a message', () => this.#shift())
  }

  /**
   * The next message, which is text. Throws as {@link TestWebSocket.receive} does.
   *
   * @throws TypeError for bytes
   */
  async receiveText(): Promise<string> {
    const message = await this.receive()
    if (typeof message === 'string') return message
    throw new TypeError(`Cannot receive text of ${this.#opened.name}: ${message.length} bytes have come`)
  }

  /**
   * The next message, which is bytes. Throws as {@link TestWebSocket.receive} does.
   *
   * @throws TypeError for text
   */
  async receiveBytes(): Promise<Uint8Array> {
    const message = await this.receive()
    if (typeof message !== 'string') return message
    throw new TypeError(
      `Cannot receive bytes of ${this.#opened.name}: the text ${JSON.stringify(message)} has come`,
    )
  }

  /**
   * What the JSON of the next message stands for. Throws as {@link TestWebSocket.receiveText} does.
   *
   * @throws SyntaxError showing the message when it is not JSON
   */
  receiveJson<Value = unknown>(): Promise<Value>
  /**
   * The same, and has a schema of any Standard Schema library look at it.
   *
   * @throws TypeError listing what does not fit
   */
  receiveJson<Schema extends StandardSchemaV1>(
    options: SchemaOption<Schema>,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>
  async receiveJson(options?: SchemaOption<StandardSchemaV1> | undefined): Promise<unknown> {
    const text = await this.receiveText()
    const value = parse(text, this.#opened.name)
    return options ? parseWith(options.schema, value, `A message of ${this.#opened.name}`) : value
  }

  /** The next message, or the end of the WebSocket. */
  async next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    return this.#wait('a message', () => {
      const value = this.#shift()
      if (value !== undefined) return { done: false, value }
      return this.#close && { done: true, value: undefined }
    })
  }

  /** Leaves the loop: closes the WebSocket with 1000. */
  async return(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  /** These messages. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /**
   * Says goodbye and resolves when the server has too, with its close code and reason.
   *
   * @param code 1000 by default; 3000 to 4999 are free
   * @throws Error when the server does not answer within the timeout; the connection is cut then
   */
  async close(code = 1000, reason = ''): Promise<WebSocketClose> {
    this.#messages.length = 0 // nobody wants them any more; what holds the server back would hold up its goodbye
    this.#opened.wire.resume()
    this.#opened.wire.close(code, reason)
    return this.#wait('the goodbye', () => this.#close)
  }

  /** Cuts the connection, without a word: the server sees 1006. */
  terminate(): void {
    this.#opened.wire.terminate()
  }

  /** As {@link TestWebSocket.close}, with 1000. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #take(data: Buffer, isBinary: boolean): void {
    this.#size += data.length
    this.#messages.push(isBinary ? data : data.toString())
    if (this.#size > HIGH_WATER_MARK) this.#opened.wire.pause()
    this.#serve()
  }

  #shift(): ReceivedMessage | undefined {
    const message = this.#messages.shift()
    if (message === undefined) return undefined
    this.#size -= Buffer.byteLength(message)
    if (this.#size <= HIGH_WATER_MARK && !this.#close) this.#opened.wire.resume()
    return message
  }

  #write(write: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      write(error => (error ? reject(this.#describe('send', error)) : resolve()))
    })
  }

  /** Calls after one another are served in their order. */
  #wait<Value>(what: string, take: () => Value | undefined): Promise<Value> {
    const { watch, timeout, wire } = this.#opened
    return new Promise((resolve, reject) => {
      const settle = () => {
        watch.remove(call)
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      }
      const waiting: Waiting = {
        what,
        take: () => {
          const value = take()
          if (value === undefined) return false
          settle()
          resolve(value)
          return true
        },
        fail: error => {
          settle()
          reject(error)
        },
      }
      const onLate = () => {
        waiting.fail(
          timeoutError(`Cannot receive ${what} of ${this.#opened.name}: none came within ${timeout} ms`),
        )
        wire.terminate()
      }
      const call = { deadline: watch.now() + timeout, onLate }
      watch.add(call)
      this.#waiting.push(waiting)
      this.#serve()
    })
  }

  #serve(): void {
    for (const waiting of [...this.#waiting]) {
      if (!waiting.take() && this.#close) waiting.fail(this.#describe('receive', this.#error))
    }
  }

  #describe(attempt: string, cause: Error | undefined): Error {
    const { name } = this.#opened
    const { code, reason } = this.#close ?? {}
    const end =
      code === undefined ? cause?.message : `it was closed with ${code}${reason ? ` "${reason}"` : ''}`
    return new Error(`Cannot ${attempt} over the WebSocket ${name}: ${end}`, { cause })
  }
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SyntaxError(`Cannot parse a message of ${name} as JSON: ${JSON.stringify(text)}`, { cause })
  }
}
