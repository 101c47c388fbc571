import type { ByteRange } from './byte-range.ts'
import type { OpenedFile } from './opened-file.ts'

/** Bytes as they are, or bytes of the file. */
export type FileSegment = Uint8Array | ByteRange

/** How much is read at once, in bytes. */
const CHUNK = 128 * 1024
const END = { done: true, value: undefined } as const

/**
 * Bytes of a file as a response body: read one chunk at a time, when the client has room for it. The file is closed
 * when it ends, fails, or is left alone (P28).
 */
export class FileBody implements AsyncIterableIterator<Uint8Array> {
  readonly #file: OpenedFile
  readonly #segments: Iterator<FileSegment>
  /** What is left of a range that has been begun. */
  #rest: ByteRange | undefined
  /** What the last chunk was read into. */
  #memory: Buffer | undefined
  /** Whether nobody has that chunk any longer. */
  #isFree = false

  constructor(file: OpenedFile, segments: readonly FileSegment[]) {
    this.#file = file
    this.#segments = segments.values()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws Error when the file ends too early: it was truncated since it was opened */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#rest) return this.#read(this.#rest)
    const { value: segment } = this.#segments.next() as { value: FileSegment | undefined } // undefined at its end
    if (segment === undefined) return this.return()
    return segment instanceof Uint8Array ? { done: false, value: segment } : this.#read(segment)
  }

  /**
   * Has the next chunk read into the memory of this one, which then must not be looked at any more. New memory for each
   * chunk is what a large file costs most: on Node 26 five eighths of its processor time, on Node 20 a sixth.
   */
  recycle(chunk: Uint8Array): void {
    this.#isFree = chunk.buffer === this.#memory?.buffer
  }

  /** Closes the file, also when nothing has been read. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#file.close()
    return END
  }

  async #read({ first, last }: ByteRange): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const value = await this.#readChunk(first, Math.min(last + 1 - first, CHUNK))
      const next = first + value.length
      this.#rest = next > last ? undefined : { first: next, last }
      return { done: false, value }
    } catch (error) {
      this.#file.close()
      throw error
    }
  }

  /** Between one byte and so many as asked for. */
  async #readChunk(position: number, length: number): Promise<Uint8Array> {
    const memory = this.#memoryOf(length)
    const bytesRead = await this.#file.read(memory, position)
    if (bytesRead > 0) return bytesRead === length ? memory : memory.subarray(0, bytesRead)
    throw new Error(`Cannot read a file to its end: it was truncated to ${position} bytes or fewer`)
  }

  /** New memory, unless the last chunk was given back: it may still be on its way to the client. */
  #memoryOf(length: number): Buffer {
    if (!this.#isFree || this.#memory!.length < length) this.#memory = Buffer.allocUnsafeSlow(length)
    this.#isFree = false
    return this.#memory!.subarray(0, length)
  }
}

/** All bytes of a file. */
export function wholeOf({ size }: OpenedFile): FileSegment[] {
  return size === 0 ? [] : [{ first: 0, last: size - 1 }]
}

/**
 * Reads all segments at once.
 *
 * @throws Error when the file ends too early
 */
export async function readAtOnce(file: OpenedFile, segments: readonly FileSegment[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of new FileBody(file, segments)) chunks.push(chunk)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
