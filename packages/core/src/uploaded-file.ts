import { createReadStream } from 'node:fs'
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'

import { ByteCollector } from './byte-collector.ts'
import { decodeText } from './decode-text.ts'
import type { MultipartPart } from './multipart-part.ts'
import type { TemporaryFiles } from './temporary-files.ts'

/** Files up to this size stay in memory, in bytes. */
const IN_MEMORY_MAX = 64 * 1024

/** Where the bytes of a file are. */
type Place = { readonly bytes: Buffer } | { readonly path: string; readonly isTemporary: boolean }

/**
 * A file out of a form. It is in memory up to 64 KiB, and else in a temporary file, which only this process can read
 * (mode 0600). When the answer has left it is gone: what is to stay is moved away with {@link UploadedFile.saveTo}.
 */
export class UploadedFile {
  /** Name of the form's field. */
  readonly name: string
  /**
   * Name of the file as the client gave it, without a path and control characters: for show, not for a path of yours.
   */
  readonly filename: string
  /** Lower-case media type that the client gave, without parameters: a claim. `application/octet-stream` without one. */
  readonly contentType: string
  /** In bytes. */
  readonly size: number
  readonly #charset: string | undefined
  readonly #files: TemporaryFiles
  #place: Place

  /** @internal Files come out of `request.form()`. */
  constructor(part: MultipartPart, size: number, place: Place, files: TemporaryFiles) {
    this.name = part.name
    this.filename = part.filename ?? ''
    this.contentType = part.contentType
    this.size = size
    this.#charset = part.charset
    this.#files = files
    this.#place = place
  }

  /** A new stream of the content. */
  stream(): Readable {
    const place = this.#find()
    return 'path' in place
      ? createReadStream(place.path)
      : Readable.from([place.bytes], { objectMode: false })
  }

  /** The content. */
  async bytes(): Promise<Buffer> {
    const place = this.#find()
    return 'path' in place ? readFile(place.path) : place.bytes
  }

  /**
   * The content as text, in the charset that the file's `Content-Type` names or in UTF-8.
   *
   * @throws HttpUnsupportedMediaType for an unknown charset, HttpBadRequest for bytes that are not text in it
   */
  async text(): Promise<string> {
    return decodeText(await this.bytes(), this.#charset, `The file "${this.filename}"`)
  }

  /**
   * Puts the file at a path, in place of what is there; only this process' user may read it (mode 0600). It stays
   * there when the request is over, and goes on to be readable here. Never make the path of what the client sent.
   */
  async saveTo(path: string): Promise<void> {
    const place = this.#find()
    if ('bytes' in place) {
      await writeFile(path, place.bytes, { mode: 0o600 })
    } else if (place.isTemporary) {
      await move(place.path, path)
      this.#files.release(place.path)
    } else {
      await copyFile(place.path, path)
    }
    this.#place = { path, isTemporary: false }
  }

  #find(): Place {
    if ('path' in this.#place && this.#place.isTemporary) this.#files.assertThere()
    return this.#place
  }
}

/** Takes a file out of a form, to memory or to the disk. */
export async function spoolFile(part: MultipartPart, files: TemporaryFiles): Promise<UploadedFile> {
  const beginning = new ByteCollector()
  let size = 0
  let file: { path: string; handle: FileHandle } | undefined
  try {
    for (let piece = await part.nextPiece(); piece; piece = await part.nextPiece()) {
      size += piece.length
      if (file) {
        await file.handle.writeFile(piece)
      } else {
        beginning.add(piece)
        if (size <= IN_MEMORY_MAX) continue
        file = await files.create()
        await file.handle.writeFile(beginning.take())
      }
    }
  } finally {
    await file?.handle.close()
  }
  const place = file ? { path: file.path, isTemporary: true } : { bytes: beginning.take() }
  return new UploadedFile(part, size, place, files)
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copyFile(from, to)
    await rm(from)
  }
}
