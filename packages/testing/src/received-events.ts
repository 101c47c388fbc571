import { createParser } from 'eventsource-parser'

import type { CallWatch } from './call-watch.ts'
import { timeoutError } from './deadline.ts'
import type { ReceivedBody } from './received-body.ts'

/** One event of an event stream, as an `EventSource` would dispatch it. */
export interface ReceivedEvent {
  /** Its type, `'message'` unless the server names one. */
  readonly event: string
  /** Its text; lines are joined by line feeds. */
  readonly data: string
  /** The last id that the stream has given, which a client sends back as `Last-Event-ID`; `''` before the first. */
  readonly id: string
}

/** What {@link ReceivedEvents} read from. @internal */
export interface EventSourceBody {
  readonly body: ReceivedBody
  readonly watch: CallWatch
  readonly timeout: number
  /** What goes on at the server: lines behind the first of a message. */
  readonly report: () => string
  /** Method and URL, for messages. */
  readonly name: string
}

/**
 * The events of a response while they arrive, for `for await` or one by one with `next()`. Leaving the loop, `return()` and
 * `await using` cut the connection, as a page that is closed does.
 */
export class ReceivedEvents implements AsyncIterableIterator<ReceivedEvent>, AsyncDisposable {
  readonly #source: EventSourceBody
  readonly #chunks: AsyncIterator<Buffer, undefined>
  readonly #queue: ReceivedEvent[] = []
  readonly #comments: string[] = []
  readonly #decoder = new TextDecoder()
  #lastEventId = ''
  #retry: number | undefined
  readonly #parser = createParser({
    onEvent: ({ event, data, id }) => {
      this.#lastEventId = id ?? this.#lastEventId
      this.#queue.push({ event: event ?? 'message', data, id: this.#lastEventId })
    },
    onComment: comment => void this.#comments.push(comment),
    onRetry: milliseconds => (this.#retry = milliseconds),
  })

  /** @internal Made by a response. */
  constructor(source: EventSourceBody) {
    this.#source = source
    this.#chunks = source.body.stream()[Symbol.asyncIterator]()
  }

  /** The comments that have come, pings among them: what was read with the events, and before them. */
  get comments(): readonly string[] {
    return this.#comments
  }

  /** How long the server asks its clients to wait before they reconnect, in milliseconds; `undefined` if it does not. */
  get retry(): number | undefined {
    return this.#retry
  }

  /**
   * The next event, when it has come.
   *
   * @throws Error when none comes within the request's timeout, or the connection breaks
   */
  async next(): Promise<IteratorResult<ReceivedEvent, undefined>> {
    while (this.#queue.length === 0) {
      const { done, value } = await this.#nextChunk()
      if (done) return { done, value: undefined }
      this.#parser.feed(this.#decoder.decode(value, { stream: true }))
    }
    return { done: false, value: this.#queue.shift()! } // it is not empty
  }

  /** Leaves: the server sees its client go. */
  async return(): Promise<IteratorResult<ReceivedEvent, undefined>> {
    await this.#chunks.return?.()
    return { done: true, value: undefined }
  }

  /** These events. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** As {@link ReceivedEvents.return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  async #nextChunk(): Promise<IteratorResult<Buffer, undefined>> {
    const { body, watch, timeout, name, report } = this.#source
    const giveUp = (message: string) => body.abandon(timeoutError(`${message}${report()}`))
    const call = {
      deadline: watch.now() + timeout,
      onLate: () => giveUp(`No event of ${name} came within ${timeout} ms`),
      onStuck: () => giveUp(`No event of ${name} comes: nothing goes on any more that could send one`),
    }
    watch.add(call)
    try {
      return await this.#chunks.next()
    } finally {
      watch.remove(call)
    }
  }
}
