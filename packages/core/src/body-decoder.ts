import { ByteCollector } from './byte-collector.ts'
import type { CreateDecoder, Decoder } from './content-coding.ts'
import { HttpBadRequest } from './http-error.ts'

/** How many coded bytes wait for the decoder before more are refused. */
const WAITING_MAX = 64 * 1024

/** What is told of the decoded body: bytes, then exactly one of `end` and `fail`. */
export interface DecodedListener {
  /** @returns whether more is wanted now; if not, {@link BodyDecoder.resume} asks for it */
  bytes(chunk: Buffer): boolean
  /** The decoder has room again. */
  drain(): void
  end(): void
  fail(error: Error): void
}

/** Undoes the coding of a body, which has to end where its coding ends (P21). */
export class BodyDecoder {
  readonly #createDecoder: CreateDecoder
  readonly #listener: DecodedListener
  #decoder: Decoder | undefined
  #waiting = new ByteCollector()
  #isBusy = false
  #received = 0
  #hasArrived = false
  #isAtEnd = false

  constructor(createDecoder: CreateDecoder, listener: DecodedListener) {
    this.#createDecoder = createDecoder
    this.#listener = listener
  }

  /** @returns whether there is room for more; if not, the listener is told when there is */
  write(chunk: Buffer): boolean {
    this.#received += chunk.length
    if (this.#isAtEnd) this.#listener.fail(trailingBytes())
    this.#waiting.add(chunk)
    this.#feed()
    return this.#waiting.length < WAITING_MAX
  }

  /** Everything has arrived. */
  end(): void {
    this.#hasArrived = true
    if (this.#received === 0) this.#listener.fail(notDecodable(undefined))
    else this.#feed()
    this.#endIfWhole()
  }

  resume(): void {
    this.#decoder?.resume()
  }

  destroy(): void {
    this.#decoder?.destroy()
  }

  /** One write at a time, of all that has come meanwhile: each costs a turn of a thread, however small it is (P22). */
  #feed(): void {
    if (this.#isBusy) return
    if (this.#waiting.length === 0) return void (this.#hasArrived && this.#decoder?.end())
    const bytes = this.#waiting.take()
    this.#waiting = new ByteCollector()
    this.#decoder ??= this.#connect(this.#createDecoder(bytes[0]!))
    this.#isBusy = true
    this.#decoder.write(bytes, error => {
      if (error) return // 'error' tells of it, unless nobody wants to know any more
      this.#isBusy = false
      this.#feed()
      this.#listener.drain()
    })
  }

  #connect(decoder: Decoder): Decoder {
    decoder.on('data', (chunk: Buffer) => {
      if (!this.#listener.bytes(chunk)) decoder.pause()
    })
    decoder.on('error', cause => this.#listener.fail(notDecodable(cause)))
    decoder.on('end', () => {
      this.#isAtEnd = true
      this.#endIfWhole()
    })
    return decoder
  }

  #endIfWhole(): void {
    if (!this.#isAtEnd) return
    if (this.#decoder!.bytesWritten < this.#received) this.#listener.fail(trailingBytes())
    else if (this.#hasArrived) this.#listener.end()
  }
}

function notDecodable(cause: unknown): HttpBadRequest {
  return new HttpBadRequest('The body is not whole in the coding that its Content-Encoding names', { cause })
}

function trailingBytes(): HttpBadRequest {
  return new HttpBadRequest('The body goes on after the end of its Content-Encoding')
}
