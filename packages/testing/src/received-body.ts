import { Readable } from 'node:stream'

/** What a body can do to the connection that it arrives on. */
export interface BodySource {
  pause(): void
  resume(): void
  /** Cuts the connection: nobody wants the rest. */
  cut(): void
}

/** How much of a body is taken in before anybody asks for it, in bytes: then the server is held back. */
const HIGH_WATER_MARK = 64 * 1024

/**
 * The body of a response while it arrives: kept until somebody reads it, as a whole or as a stream, and then at the pace of
 * the reader.
 */
export class ReceivedBody {
  readonly #source: BodySource
  #chunks: Buffer[] = []
  #size = 0
  #received = 0
  #hasEnded = false
  #error: Error | undefined
  #trailers: readonly string[] = []
  #isWanted = false
  #stream: Readable | undefined
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined

  constructor(source: BodySource) {
    this.#source = source
  }

  /** How many bytes have arrived. */
  get received(): number {
    return this.#received
  }

  /** Whether nothing more will arrive. */
  get isOver(): boolean {
    return this.#hasEnded || this.#error !== undefined
  }

  /** Whether it is being read as a stream. */
  get isStreamed(): boolean {
    return this.#stream !== undefined
  }

  get rawTrailers(): readonly string[] {
    return this.#trailers
  }

  push(bytes: Buffer): void {
    this.#received += bytes.length
    if (this.#stream) return void (this.#stream.push(bytes) || this.#source.pause())
    this.#chunks.push(bytes)
    this.#size += bytes.length
    if (!this.#isWanted && this.#size > HIGH_WATER_MARK) this.#source.pause()
  }

  end(rawTrailers: readonly string[]): void {
    this.#trailers = rawTrailers
    this.#hasEnded = true
    this.#stream?.push(null)
    this.#settle?.resolve()
  }

  fail(error: Error): void {
    if (this.isOver) return
    this.#error = error
    this.#stream?.destroy(error)
    this.#settle?.reject(error)
  }

  /** Whoever waits for it does not any more. */
  abandon(error: Error): void {
    this.fail(error)
    this.#source.cut()
  }

  /** The whole body. Called once, and not beside {@link ReceivedBody.stream}. */
  async collect(): Promise<Uint8Array> {
    if (!this.isOver) {
      this.#isWanted = true
      this.#source.resume()
      await new Promise<void>((resolve, reject) => (this.#settle = { resolve, reject }))
    }
    if (this.#error) throw this.#error
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
  }

  /** The body as it arrives: the same stream at every call. */
  stream(): Readable {
    return (this.#stream ??= this.#createStream())
  }

  #createStream(): Readable {
    const stream = new Readable({
      highWaterMark: HIGH_WATER_MARK,
      read: () => this.#source.resume(),
      destroy: (error, done) => {
        if (!this.isOver) this.#source.cut()
        done(error)
      },
    })
    stream.on('error', () => {}) // whoever reads hears of it; whoever has stopped reading need not
    for (const chunk of this.#chunks) stream.push(chunk)
    this.#chunks = []
    if (this.#hasEnded) stream.push(null)
    if (this.#error) stream.destroy(this.#error)
    return stream
  }
}
