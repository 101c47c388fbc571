import { close, closeSync, constants, fstatSync, open, read } from 'node:fs'
import type { Stats } from 'node:fs'
import { access, lstat, stat } from 'node:fs/promises'

/** What can be served, in one way or another. */
export type FileKind = 'file' | 'directory'

// Why a path leads to nothing that may be shown: all of them look the same from outside (P26). What is left, such as
// too many open files, is a failure of the server.
const ABSENCES = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'ENXIO'])
ABSENCES.add('EINVAL').add('ERR_INVALID_ARG_VALUE') // not a name on this system; a NUL in it
/** Closing up to so many bytes takes no time worth a thread. */
const SMALL = 1024 * 1024
/** Not on every system. Opening does not wait for the other end of a pipe that has come into the file's place. */
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>

/**
 * A regular file that is open, until it is closed. By its number, not by a `FileHandle`: one that is lost ends the process
 * from Node 25 on, and costs half as much again.
 */
export class OpenedFile {
  /** In bytes. */
  readonly size: number
  /** When it was changed last, in nanoseconds since 1970. */
  readonly modified: bigint
  readonly #descriptor: number
  #isReading = false
  #isClosed = false

  constructor(descriptor: number, size: number, modified: bigint) {
    this.#descriptor = descriptor
    this.size = size
    this.modified = modified
  }

  /**
   * Reads from a position on into the buffer. One read at a time.
   *
   * @returns how many bytes there were
   * @throws Error when it is closed: the number may be that of another file by now
   */
  read(buffer: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error('Cannot read a file: it is closed'))
      this.#isReading = true
      read(this.#descriptor, buffer, 0, buffer.length, position, (error, bytesRead) => {
        this.#isReading = false
        if (this.#isClosed) this.#release()
        if (error) reject(error)
        else resolve(bytesRead)
      })
    })
  }

  /** Closes it, behind a running read. Calling it again does nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#isReading) this.#release()
  }

  #release(): void {
    // Whoever closes a deleted file as the last one waits until its space is freed: that of a large one takes time.
    if (this.size <= SMALL) closeSync(this.#descriptor)
    else close(this.#descriptor, () => {}) // what was only read has nothing left to fail
  }
}

/** What the path leads to; `undefined` for what is not there, is not to be seen, or is something else than the two. */
export async function kindOf(path: string): Promise<FileKind | undefined> {
  const stats = await unlessAbsent(stat(path))
  if (stats?.isDirectory()) return 'directory'
  return stats?.isFile() ? 'file' : undefined
}

/** Whether what the path leads to may be read. */
export async function isReadable(path: string): Promise<boolean> {
  return (await unlessAbsent(access(path, constants.R_OK).then(() => true))) ?? false
}

/** Whether there is a regular file of this very name, not a symlink to one. */
export async function isPlainFile(path: string): Promise<boolean> {
  const stats: Stats | undefined = await unlessAbsent(lstat(path))
  return stats?.isFile() ?? false
}

/**
 * Opens a file for reading. Ask for its kind first: opening a device can have effects.
 *
 * @param follows whether a symlink at the end of the path counts
 * @returns `undefined` for what is not there, may not be read, or is not a regular file
 */
export async function openFile(path: string, follows: boolean): Promise<OpenedFile | undefined> {
  const flags = O_RDONLY! | O_NONBLOCK | (follows ? 0 : O_NOFOLLOW)
  const descriptor = await unlessAbsent(openDescriptor(path, flags))
  if (descriptor === undefined) return undefined
  // Of a file that is open the system knows this already: asking another thread would take five times as long.
  const stats = fstatSync(descriptor, { bigint: true })
  if (stats.isFile()) return new OpenedFile(descriptor, Number(stats.size), stats.mtimeNs)
  closeSync(descriptor)
  return undefined
}

/** `undefined` where the file system says that there is nothing to be had. */
export async function unlessAbsent<Value>(attempt: Promise<Value>): Promise<Value | undefined> {
  try {
    return await attempt
  } catch (error) {
    if (ABSENCES.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function openDescriptor(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, descriptor) => {
      if (error) reject(error)
      else resolve(descriptor)
    })
  })
}
