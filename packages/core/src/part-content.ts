import { HttpContentTooLarge } from './http-error.ts'
import type { MultipartEvent } from './multipart-parser.ts'
import { UsageError } from './usage-error.ts'

/** The bytes of one part, which can be had only until the next part is asked for. */
export class PartContent {
  readonly #events: AsyncIterator<MultipartEvent, void>
  readonly #limit: number
  readonly #subject: string
  #size = 0
  #isAtEnd = false
  #isLeft = false
  // Each step follows the one before: a step too many would take the head of the next part. Errors stay.
  #last: Promise<Buffer | undefined> = Promise.resolve(undefined)

  /**
   * @param limit how many bytes the part may have
   * @param subject what the part is called in messages
   */
  constructor(events: AsyncIterator<MultipartEvent, void>, limit: number, subject: string) {
    this.#events = events
    this.#limit = limit
    this.#subject = subject
  }

  /**
   * The next piece, `undefined` at the end.
   *
   * @throws HttpContentTooLarge over the limit
   * @throws UsageError `ERR_BODY_USED` when the next part has been asked for
   * @throws what reading the body throws
   */
  next(): Promise<Buffer | undefined> {
    if (!this.#isLeft) return this.#step()
    return Promise.reject(
      new UsageError(
        'ERR_BODY_USED',
        `Cannot read ${this.#subject}: the loop over the parts has gone on without it`,
      ),
    )
  }

  /** Reads what nobody has read, so that the next part comes. */
  async skip(): Promise<void> {
    this.leave()
    while ((await this.#step()) !== undefined);
  }

  /** Nobody may read any more. */
  leave(): void {
    this.#isLeft = true
  }

  #step(): Promise<Buffer | undefined> {
    this.#last = this.#last.then(() => this.#read())
    return this.#last
  }

  async #read(): Promise<Buffer | undefined> {
    if (this.#isAtEnd) return undefined
    const { value } = await this.#events.next()
    if (value?.kind === 'content') return this.#count(value.bytes)
    this.#isAtEnd = true
    return undefined
  }

  #count(bytes: Buffer): Buffer {
    this.#size += bytes.length
    if (this.#size <= this.#limit) return bytes
    throw new HttpContentTooLarge(this.#limit, {
      message: `${this.#subject} is larger than the limit of ${this.#limit} bytes`,
    })
  }
}
