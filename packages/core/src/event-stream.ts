import type { Clock } from './clock.ts'
import { DeferredResponse } from './deferred-response.ts'
import { Headers } from './headers.ts'
import type { HeadersInit } from './headers.ts'
import { startIdleTimer } from './idle-timer.ts'
import type { IdleTimer } from './idle-timer.ts'
import type { Request } from './request.ts'
import { Response } from './response.ts'
import { encodeEvent } from './server-sent-event.ts'
import type { ServerSentEvent } from './server-sent-event.ts'

/** Where the events of a stream come from: an event, or text as its data, at a time. */
export type EventSource = AsyncIterable<ServerSentEvent | string>

/** What a source is called with. */
export interface EventStreamContext {
  /** Fires when nobody wants more: the client has gone, or the server is shutting down. */
  readonly signal: AbortSignal
  /** The id of the last event that a client got which has reconnected. Untrusted: it is what the client says. */
  readonly lastEventId: string | undefined
}

/** How an event stream is sent. */
export interface EventStreamOptions {
  /**
   * After how many milliseconds without an event a comment is sent, so that proxies keep the connection and a client
   * that has gone is noticed; default 15 s. `Infinity` for never.
   */
  readonly ping?: number | undefined
  /** How long the client waits before it reconnects, in milliseconds, sent first; default: what the client likes. */
  readonly retry?: number | undefined
  /** Further header fields; they win over those of the stream. */
  readonly headers?: HeadersInit | undefined
}

const DEFAULT_PING = 15_000
const LONGEST_ID = 1024

/**
 * A stream of server-sent events, made by {@link eventStream}.
 */
export class EventStreamResponse extends DeferredResponse {
  readonly #source: EventSource | ((context: EventStreamContext) => EventSource)
  readonly #ping: number
  readonly #retry: number | undefined
  readonly #headers: Headers

  /** @throws RangeError for a `ping` or `retry` that is not a number of milliseconds */
  constructor(
    source: EventSource | ((context: EventStreamContext) => EventSource),
    options: EventStreamOptions = {},
  ) {
    super()
    this.#source = source
    this.#ping = validPing(options.ping ?? DEFAULT_PING)
    this.#retry = options.retry
    encodeEvent({ retry: options.retry }) // a mistake shows here and not in the middle of a stream
    this.#headers = new Headers(options.headers)
  }

  /** The stream for this request. */
  override settle(request: Request): Response {
    const { signal, app } = request
    const source =
      typeof this.#source === 'function'
        ? this.#source({ signal, lastEventId: lastEventId(request) })
        : this.#source
    const response = new Response(new EventBody(source, signal, app.clock, this.#ping, this.#retry), {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no', // nginx would collect events until its buffer is full
      },
    })
    for (const [name, value] of this.#headers) response.headers.set(name, value)
    return response
  }
}

/**
 * Answers with server-sent events, for a browser's `EventSource` to receive. The stream ends, and the source is closed,
 * when the source is exhausted, when the client goes, and when the server shuts down; a client that did not close it
 * reconnects, with the id of its last event. To make it stop, answer that request with 204: `return empty()`.
 *
 * The source is asked for its next event only when the client has room for it. What it throws cuts the connection, and
 * is logged.
 *
 * @param source an async generator function, called with an AbortSignal and the client's last event id, or any async
 *   iterable
 * @throws RangeError for a `ping` or `retry` that is not a number of milliseconds
 *
 * @example
 * ```ts
 * import { Application, eventStream } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/ticks', ({ app }) =>
 *   eventStream(async function* ({ signal, lastEventId }) {
 *     for (let tick = Number(lastEventId ?? 0) + 1; ; tick++) {
 *       yield { id: String(tick), data: { tick } }
 *       await app.clock.delay(1000, { signal })
 *     }
 *   }),
 * )
 * ```
 */
export function eventStream(
  source: EventSource | ((context: EventStreamContext) => EventSource),
  options?: EventStreamOptions | undefined,
): EventStreamResponse {
  return new EventStreamResponse(source, options)
}

/**
 * The id of the last event that a reconnecting client has got, `undefined` without one, or with one that is longer than
 * 1024 bytes. Untrusted: it is what the client says.
 */
export function lastEventId(request: Request): string | undefined {
  const value = request.headers.get('last-event-id')
  if (value === null || value.length > LONGEST_ID) return undefined
  return Buffer.from(value, 'latin1').toString() // clients send UTF-8, of which Node makes one character per byte
}

/** What waiting for the next event came to. */
type Step = IteratorResult<ServerSentEvent | string, unknown> | 'silence' | 'over'

/**
 * The events of a source as text, with pings where it is silent. One listener and one timer serve the whole stream:
 * new ones for each event cost more than the event (`bench:fan-out`).
 */
class EventBody implements AsyncIterableIterator<string> {
  readonly #iterator: AsyncIterator<ServerSentEvent | string>
  readonly #signal: AbortSignal
  readonly #clock: Clock
  readonly #ping: number
  readonly #onAbort = () => this.#resolve?.('over')
  #retry: number | undefined
  #step: Promise<IteratorResult<ServerSentEvent | string, unknown>> | undefined
  #resolve: ((step: Step) => void) | undefined
  #silence: IdleTimer | undefined
  #isOver = false

  constructor(
    source: EventSource,
    signal: AbortSignal,
    clock: Clock,
    ping: number,
    retry: number | undefined,
  ) {
    this.#iterator = source[Symbol.asyncIterator]()
    this.#signal = signal
    this.#clock = clock
    this.#ping = ping
    this.#retry = retry
    signal.addEventListener('abort', this.#onAbort)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    if (this.#retry !== undefined) {
      const value = encodeEvent({ retry: this.#retry })
      this.#retry = undefined
      return { done: false, value }
    }
    if (this.#isOver) return { done: true, value: undefined }
    const step = await this.#nextOrSilence()
    if (step === 'silence') return { done: false, value: ': ping\n\n' }
    this.#step = undefined
    if (step === 'over' || step.done) return this.return()
    return { done: false, value: encodeEvent(step.value) }
  }

  async return(): Promise<IteratorResult<string, undefined>> {
    if (!this.#isOver) {
      this.#isOver = true
      this.#silence?.stop()
      this.#signal.removeEventListener('abort', this.#onAbort)
      // Not awaited: a generator that is waiting comes to its `finally` only when it goes on.
      void this.#close().catch(() => {})
    }
    return { done: true, value: undefined }
  }

  async #close(): Promise<void> {
    await this.#iterator.return?.()
  }

  /** The source's next event, or that there was none for a while, or that nobody wants one. */
  #nextOrSilence(): Promise<Step> {
    const step = (this.#step ??= this.#iterator.next())
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) return resolve('over')
      this.#resolve = resolve
      this.#listenForSilence()
      step.then(resolve, (error: Error) => (this.#signal.aborted ? resolve('over') : reject(error)))
    })
  }

  #listenForSilence(): void {
    if (this.#silence) return this.#silence.restart()
    if (this.#ping === Infinity) return
    const onSilence = () => {
      this.#silence = undefined
      this.#resolve?.('silence')
    }
    this.#silence = startIdleTimer(this.#ping, onSilence, this.#clock)
  }
}

function validPing(ping: number): number {
  if (ping > 0) return ping
  throw new RangeError(`Cannot ping an event stream every ${ping} ms: the time is above 0`)
}
