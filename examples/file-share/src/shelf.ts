import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A file that somebody has put on the shelf. */
export interface ShelvedFile {
  readonly id: string
  readonly name: string
  readonly size: number
}

/** Files in a directory of their own, under names of our choosing: what a client calls them never becomes a path. */
export class Shelf {
  readonly directory: string
  readonly #files = new Map<string, ShelvedFile>()
  readonly #arrivals: ShelvedFile[] = []
  #waiting: (() => void)[] = []

  /** @param directory is the shelf's own, and goes with it */
  constructor(directory: string) {
    this.directory = directory
  }

  /** Removes the directory with all that is in it. */
  async close(): Promise<void> {
    await rm(this.directory, { recursive: true })
  }

  get files(): ShelvedFile[] {
    return [...this.#files.values()]
  }

  find(id: string): ShelvedFile | undefined {
    return this.#files.get(id)
  }

  /** Takes in a file while it arrives; one that breaks off leaves nothing behind. */
  async add(name: string, content: Readable): Promise<ShelvedFile> {
    const id = randomUUID()
    const path = join(this.directory, id)
    const target = createWriteStream(path, { flags: 'wx', mode: 0o600 })
    try {
      await pipeline(content, target)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
    const file = { id, name, size: target.bytesWritten }
    this.#files.set(id, file)
    this.#arrivals.push(file)
    for (const wake of this.#waiting.splice(0)) wake()
    return file
  }

  /** What has arrived after the first `count`, and then whatever arrives, with its number. */
  async *arrivalsAfter(count: number, signal: AbortSignal): AsyncGenerator<[number, ShelvedFile]> {
    for (let number = count; !signal.aborted; number++) {
      while (number >= this.#arrivals.length) await this.#nextArrival(signal)
      yield [number + 1, this.#arrivals[number]!]
    }
  }

  #nextArrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      this.#waiting.push(resolve)
    })
  }
}
