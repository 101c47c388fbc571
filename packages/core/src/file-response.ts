import { realpath } from 'node:fs/promises'

import { DeferredResponse } from './deferred-response.ts'
import { answerWithFile } from './file-answer.ts'
import { FileHead } from './file-head.ts'
import type { FileHeadOptions } from './file-head.ts'
import { FileRoot, toPath } from './file-root.ts'
import type { FilePlace } from './file-root.ts'
import { HttpNotFound } from './http-error.ts'
import { kindOf } from './opened-file.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'

/** What a {@link file} can be given. */
export interface FileOptions extends FileHeadOptions {
  /** Status code, 200 to 599; default 200. With another one conditions and ranges of the request do not count. */
  readonly status?: number | undefined
  /**
   * Whether to send a compressed sibling, the path with `.br`, `.zst` or `.gz` behind it, to clients that accept one;
   * default `false`. Siblings that are symlinks do not count.
   */
  readonly precompressed?: boolean | undefined
  /**
   * A directory, as a path or `file:` URL, that nothing is served from outside of: give it when the path comes from
   * outside, which then is relative to it and separated by `/`. Symlinks that lead out of it and names that begin with a
   * dot are 404.
   */
  readonly root?: string | URL | undefined
}

/**
 * A file as the answer to a request: see {@link file}.
 */
export class FileResponse extends DeferredResponse {
  readonly #path: string
  readonly #options: FileOptions
  readonly #head: FileHead

  /** Takes and throws what {@link file} does. */
  constructor(path: string | URL, options: FileOptions = {}) {
    super()
    if (options.root !== undefined && path instanceof URL) {
      throw new TypeError('Cannot serve a URL below a root: the path is relative to it')
    }
    this.#path = options.root === undefined ? toPath(path) : String(path)
    this.#options = options
    this.#head = new FileHead(options)
  }

  /**
   * Opens the file and decides what of it is sent.
   *
   * @throws HttpNotFound, HttpPreconditionFailed, HttpRangeNotSatisfiable as told at {@link file}
   */
  async settle(request: Request): Promise<Response> {
    const { root, status = 200, precompressed = false } = this.#options
    const place = await this.#find()
    const response =
      place?.kind === 'file' &&
      (await answerWithFile(request, {
        path: place.path,
        follows: root === undefined,
        status,
        precompressed,
        head: this.#head,
      }))
    if (response) return response
    throw new HttpNotFound()
  }

  async #find(): Promise<FilePlace | undefined> {
    const { root } = this.#options
    if (root !== undefined) return new FileRoot(await realpath(toPath(root))).find(this.#path.split('/'))
    const kind = await kindOf(this.#path)
    return kind && { path: this.#path, kind }
  }
}

/**
 * Answers with a file, in chunks, at the client's pace: with `ETag` and `Last-Modified`, 304 and 412 by the conditions of
 * the request, 206 for the ranges it asks for (RFC 9110 §13, §14), the type by the extension.
 *
 * It is looked for as soon as a handler or middleware returns this, so that middlewares and error handlers see the 404.
 * What is missing, not a regular file, or not readable is a 404 alike. A file that shrinks while it is sent cuts the
 * connection; it is closed on every path.
 *
 * @param path relative to the working directory, or a `file:` URL. Not checked in any way: for a path that comes from
 *   outside set `root`.
 * @throws TypeError for options that contradict each other or that HTTP cannot express, such as a `filename` with a line
 *   break
 * @throws RangeError for a `maxAge` that is not a whole number of seconds
 *
 * @example
 * ```ts
 * import { Application, file } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/terms', () => file(new URL('terms.pdf', import.meta.url)))
 * app.get('/invoices/:name', ({ params }) => file(params.name, { root: 'invoices', download: true }))
 * ```
 */
export function file(path: string | URL, options?: FileOptions | undefined): FileResponse {
  return new FileResponse(path, options)
}
