import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

import { announcesBody, listenToBody } from './body.ts'
import { BodyDecoder } from './body-decoder.ts'
import { findDecoder } from './content-coding.ts'
import { HttpContentTooLarge } from './http-error.ts'

/** How much is read ahead of whoever reads, in bytes. */
const READ_AHEAD = 64 * 1024

/** Is called when the first byte is wanted: throws if the body is another's, gives its bytes if they are known. */
export type BodyOpener = () => Promise<Buffer> | undefined

/**
 * The decoded body as a stream. Nothing is asked of the client before somebody reads, and no more than is read.
 * Both what arrives and what the decoder makes of it are counted while they flow, so that kilobytes which decode to
 * gigabytes are stopped midway (P21).
 */
export class BodyStream extends Readable {
  readonly #raw: IncomingMessage
  readonly #limit: number
  readonly #opener: BodyOpener
  #isOpen = false
  #stop: (() => void) | undefined
  #decoder: BodyDecoder | undefined
  #received = 0
  #delivered = 0

  /** @param limit the largest body, in bytes, as it is sent and decoded */
  constructor(raw: IncomingMessage, limit: number, opener: BodyOpener) {
    super({ highWaterMark: READ_AHEAD })
    this.#raw = raw
    this.#limit = limit
    this.#opener = opener
    // Whoever reads hears of a failure; if nobody does, it must not end the process.
    this.on('error', () => {})
  }

  override _read(): void {
    if (!this.#isOpen) this.#open()
    else if (this.#decoder) this.#decoder.resume()
    else if (this.#stop) this.#raw.resume()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#stop?.()
    this.#decoder?.destroy()
    callback(error)
  }

  #open(): void {
    this.#isOpen = true
    try {
      const known = this.#opener()
      if (known) return void known.then(bytes => this.#end(bytes), this.#fail)
      this.#decoder = this.#createDecoder()
    } catch (error) {
      return this.#fail(error as Error) // which was thrown just above
    }
    this.#stop = listenToBody(this.#raw, {
      bytes: chunk => this.#receive(chunk),
      end: () => this.#finish(),
      fail: this.#fail,
    })
  }

  #createDecoder(): BodyDecoder | undefined {
    const create = findDecoder(this.#raw.headers['content-encoding'])
    if (!create || !announcesBody(this.#raw)) return undefined
    return new BodyDecoder(create, {
      bytes: chunk => this.#deliver(chunk),
      drain: () => this.#raw.resume(),
      end: () => this.#end(),
      fail: this.#fail,
    })
  }

  #receive(chunk: Buffer): void {
    this.#received += chunk.length
    if (this.#received > this.#limit) return this.#fail(new HttpContentTooLarge(this.#limit))
    const wantsMore = this.#decoder ? this.#decoder.write(chunk) : this.push(chunk)
    if (!wantsMore) this.#raw.pause()
  }

  #deliver(chunk: Buffer): boolean {
    this.#delivered += chunk.length
    if (this.#delivered <= this.#limit) return this.push(chunk)
    this.#fail(new HttpContentTooLarge(this.#limit))
    return false
  }

  #finish(): void {
    if (this.#decoder) this.#decoder.end()
    else this.#end()
  }

  #end(last: Buffer | null = null): void {
    if (last) this.push(last)
    this.push(null)
  }

  readonly #fail = (error: Error): void => {
    this.destroy(error)
  }
}
