import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'

import { FileBody, wholeOf } from './file-body.ts'
import { openFile } from './opened-file.ts'

interface KnownHash {
  /** Of time and size: another one means that the file may have changed. */
  readonly version: string
  readonly hash: Promise<string | undefined>
}

/** 120 bits in base64url: nobody finds two files with one of these. */
const LENGTH = 20

/** Hashes of what files contain, each made once as long as the file does not change. */
export class ContentHashes {
  readonly #known = new Map<string, KnownHash>()
  readonly #capacity: number

  /** @param options.capacity how many are remembered; default 10 000 */
  constructor(options: { readonly capacity?: number | undefined } = {}) {
    this.#capacity = options.capacity ?? 10_000
  }

  /**
   * The SHA-256 of a file, shortened and fit for URLs.
   *
   * @param largest of a larger file, in bytes, the hash is only told when it is known already
   * @returns `undefined` for such a file, and for one that cannot be opened
   */
  async of(path: string, largest: number): Promise<string | undefined> {
    const { mtimeNs, size } = await stat(path, { bigint: true })
    const version = `${mtimeNs}-${size}`
    const known = this.#known.get(path)
    if (known?.version === version) return known.hash
    if (size > largest) return undefined
    const hash = computeHash(path)
    this.#remember(path, { version, hash })
    return hash
  }

  #remember(path: string, known: KnownHash): void {
    this.#known.delete(path) // to the end of the line
    this.#known.set(path, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > this.#capacity) this.#known.delete(oldest!)
    known.hash.catch(() => this.#known.delete(path))
  }
}

async function computeHash(path: string): Promise<string | undefined> {
  const file = await openFile(path, false)
  if (!file) return undefined
  const hash = createHash('sha256')
  for await (const chunk of new FileBody(file, wholeOf(file))) hash.update(chunk)
  return hash.digest('base64url').slice(0, LENGTH)
}
