import { nextTurn } from './clock.ts'
import { readerOf } from './response-body.ts'
import type { BodyReader, StreamedBody } from './response-body.ts'
import { RequestAborted } from './request-aborted.ts'
import type { ResponseSink } from './response-sink.ts'

/** A piece of a body, or its end. */
type Piece = IteratorResult<string | Uint8Array, unknown>

/**
 * Begins to read a body and looks whether its first piece is there at once: a source that fails straight away can
 * still become an honest error, and head and first piece leave as one packet.
 *
 * @throws what the source throws before its first piece, when it does so at once
 */
export async function openBody(body: StreamedBody): Promise<OpenBody> {
  const reader = readerOf(body)
  const first = reader.next()
  const early = await Promise.race([first, nextTurn()])
  return new OpenBody(reader, first, early === undefined)
}

/** A body of which the first piece has been asked for. */
export class OpenBody {
  /** Whether the first piece lets wait for itself, so that the head had better go ahead. */
  readonly isSlow: boolean
  readonly #reader: BodyReader
  // Let go of when it is sent: the piece would live as long as the body, and age with it into a dearer generation.
  #first: Promise<Piece> | undefined
  #giveUp: ((reason: Error) => void) | undefined
  #released: Promise<unknown> = Promise.resolve()

  constructor(reader: BodyReader, first: Promise<Piece>, isSlow: boolean) {
    this.#reader = reader
    this.#first = first
    this.isSlow = isSlow
    first.catch(() => {}) // pump() meets it
  }

  /** Settles when the source of a body that was given up has let go of it: a generator may wait for ever. */
  get released(): Promise<unknown> {
    return this.#released
  }

  /**
   * Sends the body piece by piece, as fast as the client reads. When the client goes the source is closed.
   *
   * @throws what the source or the sink throws; the source is closed then
   */
  async pump(sink: ResponseSink): Promise<void> {
    sink.onGone(() => {
      this.#release()
      this.#giveUp?.(new RequestAborted('client gone')) // a source may never react
    })
    try {
      let step = await this.#orGone(this.#first!) // pump() is called once
      this.#first = undefined
      for (; !step.done; step = await this.#orGone(this.#reader.next())) {
        await sink.write(step.value)
        if (sink.isFlushed) this.#reader.recycle(step.value)
      }
    } catch (error) {
      this.#release()
      throw error
    }
  }

  #release(): void {
    this.#released = this.#reader.cancel()
  }

  // Not Promise.race with one promise for "gone": that would keep every piece's reaction until the very end.
  #orGone(step: Promise<Piece>): Promise<Piece> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject
      step.then(resolve, reject)
    })
  }
}
