import { realpathSync, statSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import { kindOf, unlessAbsent } from './opened-file.ts'
import type { FileKind } from './opened-file.ts'

/** Something below a root that may be served. */
export interface FilePlace {
  /** Free of symlinks. */
  readonly path: string
  readonly kind: FileKind
}

/** What may be served of a directory. */
export interface FileRootOptions {
  /** Whether names that begin with a dot are served, or which of them; default `false`. */
  readonly dotFiles?: boolean | readonly string[] | undefined
  /** Whether symlinks may lead out of the root; default `false`. */
  readonly dangerouslyFollowSymlinks?: boolean | undefined
}

const NOWHERE = /[/\\\0]|\p{Surrogate}/u
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
// eslint-disable-next-line no-control-regex
const NOT_ON_WINDOWS = /[\u0000-\u001f<>:"|?*]|~[0-9]|[. ]$/

/**
 * A directory out of which files are served, and nothing else (P26): whatever the names, what is found lies below it, in
 * the file system's own terms, at the moment when it is looked for.
 */
export class FileRoot {
  /** Free of symlinks. */
  readonly path: string
  readonly #inside: string
  readonly #options: FileRootOptions

  /** @param path absolute and free of symlinks */
  constructor(path: string, options: FileRootOptions = {}) {
    this.path = path
    this.#inside = path.endsWith(sep) ? path : path + sep
    this.#options = options
  }

  /**
   * What the names, one below the other, lead to.
   *
   * @returns `undefined` whether it is missing, outside, hidden, forbidden, or neither a file nor a directory
   */
  async find(names: readonly string[]): Promise<FilePlace | undefined> {
    if (!names.every(name => this.shows(name))) return undefined
    const path = await unlessAbsent(realpath(join(this.path, ...names)))
    if (path === undefined || !this.#covers(path)) return undefined
    const kind = await kindOf(path)
    return kind && { path, kind }
  }

  /** Whether something of this name may be served at all. */
  shows(name: string): boolean {
    const { dotFiles = false } = this.#options
    if (!isFileName(name)) return false
    return !name.startsWith('.') || dotFiles === true || (dotFiles !== false && dotFiles.includes(name))
  }

  #covers(path: string): boolean {
    if (this.#options.dangerouslyFollowSymlinks) return true
    return path === this.path || path.startsWith(this.#inside)
  }
}

/**
 * The real path of a directory to serve files from.
 *
 * @param directory a path, relative to the working directory, or a `file:` URL
 * @throws TypeError when there is no such directory
 */
export function realDirectory(directory: string | URL): string {
  const path = toPath(directory)
  let cause: unknown
  try {
    const real = realpathSync.native(path)
    if (statSync(real).isDirectory()) return real
  } catch (error) {
    cause = error
  }
  throw new TypeError(`Cannot serve files from "${path}": it is not a directory`, { cause })
}

/**
 * An absolute path.
 *
 * @throws TypeError for a URL of another scheme than `file:`
 */
export function toPath(path: string | URL): string {
  return resolve(path instanceof URL ? fileURLToPath(path) : path)
}

/**
 * Whether the text names one entry of a directory and can mean nothing else: no separator, no way up, and on Windows no
 * device, stream, short name, or end that the system would drop.
 */
export function isFileName(text: string, platform: string = process.platform): boolean {
  if (text === '' || text === '.' || text === '..' || NOWHERE.test(text)) return false
  return platform !== 'win32' || !(NOT_ON_WINDOWS.test(text) || DEVICE.test(text))
}
