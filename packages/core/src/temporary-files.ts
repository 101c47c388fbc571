import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { UsageError } from './usage-error.ts'

/** A file that is on the disk although its request should be over. */
export interface LeftFile {
  /** Where it is. */
  readonly path: string
  /** The stack of where it was made: in debug mode, and in tests. */
  readonly spooledAt: string | undefined
}

/** The temporary files of all requests of a server, as long as they are there. */
export class AllTemporaryFiles extends Set<TemporaryFiles> {
  readonly #recordsOrigins: () => boolean

  /** @param recordsOrigins whether files remember where they were made */
  constructor(recordsOrigins: () => boolean = () => false) {
    super()
    this.#recordsOrigins = recordsOrigins
  }

  get recordsOrigins(): boolean {
    return this.#recordsOrigins()
  }

  /** Those that nobody has removed or taken over. */
  get left(): LeftFile[] {
    return Array.from(this, files => files.left).flat()
  }
}

/** Files that live no longer than what they belong to. Nobody else can read them or guess their names (P25). */
export class TemporaryFiles {
  readonly #all: AllTemporaryFiles
  readonly #paths = new Map<string, Error | undefined>()
  #isRemoved = false

  /** @param all where these files are counted as long as they are there */
  constructor(all: AllTemporaryFiles) {
    this.#all = all
    all.add(this)
  }

  /** Makes an empty file, open for writing. */
  async create(): Promise<{ path: string; handle: FileHandle }> {
    const path = join(tmpdir(), `allium-${randomBytes(16).toString('hex')}`)
    this.#paths.set(path, this.#all.recordsOrigins ? new Error('Spooled') : undefined)
    const handle = await open(path, 'wx', 0o600)
    if (!this.#isRemoved) return { path, handle }
    await handle.close() // it came too late for remove()
    await rm(path)
    throw removed()
  }

  /** Those that are on the disk. */
  get left(): LeftFile[] {
    return Array.from(this.#paths, ([path, origin]) => ({ path, spooledAt: origin?.stack }))
  }

  /** Leaves the file to somebody else. */
  release(path: string): void {
    this.#paths.delete(path)
  }

  /** Removes every file, now and as they come. */
  async remove(): Promise<void> {
    this.#isRemoved = true
    const paths = [...this.#paths.keys()]
    this.#paths.clear()
    await Promise.all(paths.map(path => rm(path, { force: true })))
    this.#all.delete(this)
  }

  /** @throws UsageError `ERR_BODY_USED` once the files are removed */
  assertThere(): void {
    if (this.#isRemoved) throw removed()
  }
}

function removed(): UsageError {
  return new UsageError(
    'ERR_BODY_USED',
    'Cannot use an uploaded file: its request is over, and the file removed; move it with saveTo() before',
  )
}
