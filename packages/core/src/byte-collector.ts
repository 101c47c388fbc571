/** Chunks from this size on are kept as they are, in bytes. */
const LARGE = 16 * 1024
const SMALLEST_BLOCK = 1024
const LARGEST_BLOCK = 256 * 1024

/**
 * Bytes in order. Small chunks are copied together, so that a million chunks of one byte cost a megabyte and not a
 * million objects; what came in one piece is not copied at all.
 */
export class ByteCollector {
  length = 0
  readonly #blocks: Buffer[] = []
  #block: Buffer | undefined
  #used = 0

  add(chunk: Buffer): void {
    if (chunk.length >= LARGE || this.length === 0) this.#keep(chunk)
    else this.#copy(chunk)
    this.length += chunk.length
  }

  /** Everything that was added. */
  take(): Buffer {
    this.#closeBlock()
    return this.#blocks.length === 1 ? this.#blocks[0]! : Buffer.concat(this.#blocks, this.length)
  }

  #keep(chunk: Buffer): void {
    this.#closeBlock()
    this.#blocks.push(chunk)
  }

  #copy(chunk: Buffer): void {
    if (this.#block === undefined || this.#used + chunk.length > this.#block.length) {
      this.#closeBlock()
      const size = Math.min(Math.max(this.length, SMALLEST_BLOCK), LARGEST_BLOCK)
      this.#block = Buffer.allocUnsafeSlow(Math.max(size, chunk.length))
    }
    chunk.copy(this.#block, this.#used)
    this.#used += chunk.length
  }

  #closeBlock(): void {
    if (this.#block) this.#blocks.push(this.#block.subarray(0, this.#used))
    this.#block = undefined
    this.#used = 0
  }
}
