import type { Duplex, Readable } from 'node:stream'

import { Headers } from '@allium/core'
import type { SchemaOption } from '@allium/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'

import type { CallWatch } from './call-watch.ts'
import { timeoutError } from './deadline.ts'
import { parseWith } from './parse-with.ts'
import type { ReceivedBody } from './received-body.ts'
import { ReceivedEvents } from './received-events.ts'
import type { ResponseHead } from './response-head.ts'

/** An answer that came before the response: `100 Continue`, `103 Early Hints`. */
export interface InformationalResponse {
  /** Its status code, 100 or 103 for instance. */
  readonly status: number
  /** Its header fields. */
  readonly headers: Headers
}

/** What a {@link TestResponse} is made of. @internal */
export interface ReceivedResponse {
  readonly head: ResponseHead
  readonly body: ReceivedBody
  readonly informational: readonly ResponseHead[]
  readonly upgraded: Duplex | undefined
  readonly method: string
  readonly url: string
  readonly timeout: number
  readonly watch: CallWatch
  /** Why it may not have ended: lines behind the first of a message. */
  readonly report: () => string
  /** How it came about, in many lines. */
  readonly transcript: () => string
}

const SHOWN_BYTES = 200
/** Keeps nothing between two whole bodies. */
const utf8 = new TextDecoder()

/**
 * A response whose head has arrived; its body is read when asked for. `text()`, `json()` and `bytes()` may each be called
 * any number of times. A body that nobody reads occupies its connection until the client is closed.
 */
export class TestResponse {
  /** The status code. */
  readonly status: number
  /** The reason phrase, `'OK'`; may be empty. */
  readonly statusText: string
  /** The address that answered: after redirects, that of the last request. */
  readonly url: string
  /** Header fields as they were sent: name, value, name, value and so on. */
  readonly rawHeaders: readonly string[]
  readonly #received: ReceivedResponse
  #headers: Headers | undefined
  #bytes: Promise<Uint8Array> | undefined

  /** @internal Made by a client. */
  constructor(received: ReceivedResponse) {
    this.status = received.head.status
    this.statusText = received.head.statusText
    this.rawHeaders = received.head.rawHeaders
    this.url = received.url
    this.#received = received
    this.#headers = undefined
    this.#bytes = undefined
  }

  /** Whether the status is between 200 and 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  /** The header fields in their order, by lower-case names. */
  get headers(): Headers {
    return (this.#headers ??= toHeaders(this.rawHeaders))
  }

  /** The fields after a chunked body: empty until it has been read. */
  get trailers(): Headers {
    return toHeaders(this.#received.body.rawTrailers)
  }

  /** What was answered before the response, in order. */
  get informational(): readonly InformationalResponse[] {
    return this.#received.informational.map(({ status, rawHeaders }) => ({
      status,
      headers: toHeaders(rawHeaders),
    }))
  }

  /** The body as it arrives, not decoded: a slow reader holds the application back. */
  get body(): Readable {
    return this.#received.body.stream()
  }

  /** The connection, after 101 Switching Protocols: it is the caller's now, and speaks what was agreed on. */
  get upgraded(): Duplex | undefined {
    return this.#received.upgraded
  }

  /**
   * The whole body, not decoded.
   *
   * @throws Error when it does not end within the timeout, or the connection breaks before
   * @throws TypeError when {@link TestResponse.body} has been read from
   */
  bytes(): Promise<Uint8Array> {
    return (this.#bytes ??= this.#collect())
  }

  /** The whole body as UTF-8. Throws as {@link TestResponse.bytes} does. */
  async text(): Promise<string> {
    return utf8.decode(await this.bytes())
  }

  /**
   * The whole body, parsed as JSON whatever its `Content-Type`. Throws as {@link TestResponse.bytes} does.
   *
   * @throws SyntaxError showing status and body when it is not JSON
   */
  json<Value = unknown>(): Promise<Value>
  /**
   * The same, and has a schema of any Standard Schema library look at it: the value is what the schema makes of it.
   *
   * @throws TypeError listing what does not fit
   */
  json<Schema extends StandardSchemaV1>(
    options: SchemaOption<Schema>,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>
  async json(options?: SchemaOption<StandardSchemaV1>): Promise<unknown> {
    const value = await this.#parse()
    return options ? parseWith(options.schema, value, `The body of ${this.name}`) : value
  }

  /**
   * The events of an event stream while they arrive; see {@link ReceivedEvents}. Called once.
   *
   * @throws TypeError when the response is no event stream
   */
  events(): ReceivedEvents {
    const type = this.headers.get('content-type') ?? 'without a type'
    if (!/^text\/event-stream\b/i.test(type) || this.status !== 200) {
      throw new TypeError(`Cannot read events of ${this.name}: it is ${this.status}, ${type}`)
    }
    return new ReceivedEvents({ ...this.#received, name: this.name })
  }

  async #parse(): Promise<unknown> {
    const text = await this.text()
    try {
      return JSON.parse(text)
    } catch (cause) {
      const shown = text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)} …` : text
      throw new SyntaxError(`Cannot parse the body of ${this.name} as JSON: ${this.status} "${shown}"`, {
        cause,
      })
    }
  }

  /** Lets the body go, without anybody reading it. @internal */
  discard(): void {
    this.#received.body.collect().catch(() => undefined)
  }

  async #collect(): Promise<Uint8Array> {
    const { body, watch, timeout } = this.#received
    if (body.isStreamed) throw new TypeError(`Cannot read the body of ${this.name}: it was read as a stream`)
    if (body.isOver) return body.collect()
    const giveUp = (what: string) =>
      body.abandon(timeoutError(`The body of ${this.name} ${what}${this.#received.report()}`))
    const call = {
      deadline: watch.now() + timeout,
      onLate: () => giveUp(`did not end within ${timeout} ms`),
      onStuck: () => giveUp('does not end: nothing goes on any more that could end it'),
    }
    watch.add(call)
    try {
      return await body.collect()
    } finally {
      watch.remove(call)
    }
  }

  /** How it came about, in many lines. @internal */
  get transcript(): string {
    return this.#received.transcript()
  }

  /** Method and URL, for messages. @internal */
  get name(): string {
    return `${this.#received.method} ${this.url}`
  }
}

/** Header fields from Node's flat list of names and values. */
export function toHeaders(flat: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i < flat.length; i += 2) headers.append(flat[i]!, flat[i + 1]!)
  return headers
}
