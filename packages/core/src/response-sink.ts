import { ServerResponse } from 'node:http'
import { Socket } from 'node:net'

import { asciiOrBytes } from './ascii-or-bytes.ts'
import type { Clock } from './clock.ts'
import { RequestAborted } from './request-aborted.ts'
import { UsageError } from './usage-error.ts'

/** How the bytes of a body travel. */
export interface SinkOptions {
  /** Bytes that the head has promised, `undefined` when the body ends where it ends. */
  readonly length: number | undefined
  readonly clock: Clock
  /** How long one write may make no progress, in milliseconds. */
  readonly writeTimeout: number
  /** Whether what is written goes nowhere: the answer to HEAD. */
  readonly discards: boolean
}

const SLICE = 256 * 1024

/**
 * The way of a body to one client, once the head is written: waits while the client does not read, cuts the
 * connection when it has stopped reading, and lets neither more nor fewer bytes pass than were promised (P16, P29).
 */
export class ResponseSink {
  readonly #target: ServerResponse
  readonly #options: SinkOptions
  #written = 0
  #isGone: boolean
  #ending: Promise<void> | undefined
  #waiting: (() => void)[] = []
  #onGone: (() => void) | undefined

  constructor(target: ServerResponse, options: SinkOptions) {
    this.#target = target
    this.#options = options
    this.#isGone = target.destroyed
    target.on('drain', () => this.#wake()).on('finish', () => this.#wake())
    target.on('error', () => {}) // whoever writes hears of it from write() and end()
    target.on('close', () => {
      this.#isGone = !target.writableFinished
      this.#wake()
      if (this.#isGone) this.#onGone?.()
    })
  }

  /** Bytes of body so far. */
  get written(): number {
    return this.#written
  }

  /**
   * Whether the system has copied all that was written, so that the memory of it can be used again. Never where somebody
   * stands between who may keep it, such as a middleware of Express, or where the connection is a stream of another kind.
   */
  get isFlushed(): boolean {
    const { socket, writableLength } = this.#target
    const isWrapped = this.#target.write !== ServerResponse.prototype.write
    return writableLength === 0 && socket instanceof Socket && !isWrapped
  }

  /** Whether the connection has gone before the body was complete. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Calls back when the client goes before the body is complete. */
  onGone(callback: () => void): void {
    this.#onGone = callback
    if (this.#isGone) callback()
  }

  /**
   * Writes a piece; settles when there is room for the next one.
   *
   * @throws RequestAborted when the client has gone, also while waiting
   * @throws UsageError `ERR_RESPONSE_LENGTH` for more bytes than were promised; the connection is cut
   */
  async write(piece: string | Uint8Array): Promise<void> {
    if (this.#isGone) throw new RequestAborted('client gone')
    if (this.#options.discards) return
    const size = Buffer.byteLength(piece)
    this.#written += size
    if (this.#written > (this.#options.length ?? Infinity)) throw this.#breakPromise('more')
    if (size === 0) return // to Node an empty chunk is none; on the wire it would end the body
    if (size <= SLICE) return this.#writeSlice(asciiOrBytes(piece, size))
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
    for (let start = 0; start < bytes.length; start += SLICE) {
      await this.#writeSlice(bytes.subarray(start, start + SLICE))
    }
  }

  /** Whether the body is complete, as far as whoever writes it is concerned. */
  get isEnded(): boolean {
    return this.#ending !== undefined
  }

  /**
   * Ends the body; settles when the system has taken all of it. Calling it again gives the same promise.
   *
   * @throws RequestAborted when the client goes first
   * @throws UsageError `ERR_RESPONSE_LENGTH` for fewer bytes than were promised; the connection is cut
   */
  end(trailers?: string[] | undefined): Promise<void> {
    return (this.#ending ??= this.#end(trailers))
  }

  /** Ends the connection without ending the body: the client can tell that the rest is missing (P30). */
  cut(): void {
    this.#target.destroy()
  }

  async #end(trailers: string[] | undefined): Promise<void> {
    const { length, discards } = this.#options
    if (this.#isGone) throw new RequestAborted('client gone')
    if (!discards && length !== undefined && this.#written < length) throw this.#breakPromise('fewer')
    if (trailers && this.#target.chunkedEncoding) this.#target.addTrailers(inPairs(trailers))
    this.#target.end()
    await this.#until(() => this.#target.writableFinished)
  }

  async #writeSlice(slice: string | Uint8Array): Promise<void> {
    if (!this.#target.write(slice, 'latin1')) await this.#until(() => !this.#target.writableNeedDrain)
  }

  /** Waits for the client to take what was written, but not for ever (P3). */
  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached() && !this.#isGone) {
      const { clock, writeTimeout } = this.#options
      const timer = clock.setTimer(() => this.cut(), writeTimeout)
      await new Promise<void>(resolve => this.#waiting.push(resolve))
      timer.clear()
    }
    if (this.#isGone) throw new RequestAborted('client gone')
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  #breakPromise(than: 'more' | 'fewer'): UsageError {
    this.cut()
    return new UsageError(
      'ERR_RESPONSE_LENGTH',
      `Cannot send a body of ${than} bytes than its content-length says: ${this.#written}, not ${this.#options.length}`,
    )
  }
}

function inPairs(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!])
  return pairs
}
