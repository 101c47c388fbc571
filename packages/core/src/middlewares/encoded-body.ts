import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { Transform } from 'node:stream'

import { readerOf } from '../response-body.ts'
import type { BodyReader, StreamedBody } from '../response-body.ts'

/**
 * A streamed body behind an encoder. Like the body itself it is not begun before somebody reads it, is read no faster
 * than the client takes it, and is closed with whoever closes this one, begun or not.
 */
export class EncodedBody extends Readable {
  readonly #source: StreamedBody
  readonly #createEncoder: () => Transform
  #encoder: Transform | undefined
  #reader: BodyReader | undefined

  constructor(source: StreamedBody, createEncoder: () => Transform) {
    super()
    this.#source = source
    this.#createEncoder = createEncoder
  }

  override _read(): void {
    if (this.#encoder) this.#encoder.resume()
    else void this.#begin()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const reader = this.#reader ?? readerOf(this.#source)
    void reader.cancel()
    this.#encoder?.destroy()
    callback(error)
  }

  async #begin(): Promise<void> {
    const encoder = (this.#encoder = this.#createEncoder())
    const reader = (this.#reader = readerOf(this.#source))
    encoder.on('data', (piece: Buffer) => {
      if (!this.push(piece)) encoder.pause()
    })
    encoder.on('end', () => this.push(null)).on('error', error => this.destroy(error))
    try {
      for (let step = await reader.next(); !step.done; step = await reader.next()) {
        if (!encoder.write(step.value)) await once(encoder, 'drain')
      }
      encoder.end()
    } catch (error) {
      this.destroy(error as Error) // of the source, or of the encoder
    }
  }
}
