import { basename } from 'node:path'

import { serializeContentDisposition } from './content-disposition.ts'
import { parseEntityTag } from './entity-tag.ts'
import { fileType } from './file-type.ts'
import { Headers } from './headers.ts'
import type { HeadersInit } from './headers.ts'
import { serializeHttpDate } from './http-date.ts'
import type { OpenedFile } from './opened-file.ts'
import type { FileCoding } from './precompressed.ts'
import { addVary } from './vary.ts'

/** How long what is sent may be kept, and by what it is known again. */
export interface FileCaching {
  /** `Cache-Control` as it is; not together with `maxAge` or `immutable`. */
  readonly cacheControl?: string | undefined
  /** How long caches may use it without asking, in seconds. */
  readonly maxAge?: number | undefined
  /** Promises that the file never changes under its URL; `maxAge` is a year then, unless given. */
  readonly immutable?: boolean | undefined
  /**
   * Whether to send an `ETag`, of modification time and size; or the tag, in its quotes. Default `true`. Not worth having
   * where builds give every file the same time: then give a tag, or `false`.
   */
  readonly etag?: boolean | string | undefined
  /** Whether to send `Last-Modified`, or when that was; default `true`, the modification time. */
  readonly lastModified?: boolean | Date | undefined
}

/** What the headers of a file are made of. */
export interface FileHeadOptions extends FileCaching {
  /** Header fields; what is here is not overwritten by what the file says. */
  readonly headers?: HeadersInit | undefined
  /** Default: by the extension of the name, `application/octet-stream` for an unknown one. */
  readonly contentType?: string | undefined
  /** Whether browsers save it instead of showing it; default `false`. */
  readonly download?: boolean | undefined
  /** The name that browsers propose for saving; default: with `download` that of the file. */
  readonly filename?: string | undefined
  /** Whether compressed siblings were looked for. */
  readonly precompressed?: boolean | undefined
}

const YEAR = 365 * 24 * 60 * 60
/** What says that a URL always leads to the same bytes. */
export const IMMUTABLE: string = `max-age=${YEAR}, immutable`

/** Makes the header fields of a file. What does not depend on the file is checked and made once. */
export class FileHead {
  readonly #options: FileHeadOptions
  readonly #fields: Headers

  /**
   * @throws TypeError for options that contradict each other, or that HTTP cannot express
   * @throws RangeError for a `maxAge` that is not a whole number of seconds, or a date that is none
   */
  constructor(options: FileHeadOptions) {
    this.#options = options
    const { contentType, filename, download = false, etag, lastModified } = options
    const fields = new Headers(options.headers)
    const cacheControl = cacheControlOf(options)
    if (contentType !== undefined) fields.set('content-type', contentType)
    if (cacheControl !== undefined) fields.set('cache-control', cacheControl)
    if (typeof etag === 'string') assertTag(etag)
    if (lastModified instanceof Date) fields.set('last-modified', serializeHttpDate(lastModified))
    if (filename !== undefined) {
      fields.set(
        'content-disposition',
        serializeContentDisposition(download ? 'attachment' : 'inline', filename),
      )
    }
    setUnlessThere(fields, 'x-content-type-options', 'nosniff')
    this.#fields = fields
  }

  /**
   * The fields for a file.
   *
   * @param path by its name the type is known, also when a compressed sibling is sent
   */
  async fieldsFor(path: string, file: OpenedFile, coding: FileCoding | undefined): Promise<Headers> {
    const { download, etag = true, lastModified = true, precompressed } = this.#options
    const fields = new Headers(this.#fields)
    if (!fields.has('content-type')) fields.set('content-type', await fileType(path))
    if (coding) fields.set('content-encoding', coding)
    if (precompressed) addVary(fields, 'Accept-Encoding')
    if (etag !== false) setUnlessThere(fields, 'etag', withCoding(etag === true ? tagOf(file) : etag, coding))
    if (lastModified === true) setUnlessThere(fields, 'last-modified', lastModifiedOf(file))
    if (download) {
      setUnlessThere(fields, 'content-disposition', serializeContentDisposition('attachment', basename(path)))
    }
    return fields
  }
}

function cacheControlOf({ cacheControl, maxAge, immutable = false }: FileCaching): string | undefined {
  if (cacheControl !== undefined && (maxAge !== undefined || immutable)) {
    throw new TypeError('Cannot set the caching of a file: cacheControl contradicts maxAge and immutable')
  }
  if (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && maxAge >= 0)) {
    throw new RangeError(
      `Cannot set the caching of a file to ${maxAge} s: maxAge is a whole number of seconds`,
    )
  }
  if (immutable) return maxAge === undefined ? IMMUTABLE : `max-age=${maxAge}, immutable`
  return maxAge === undefined ? cacheControl : `max-age=${maxAge}`
}

function assertTag(etag: string): void {
  if (parseEntityTag(etag)) return
  throw new TypeError(`Cannot use ${etag} as an entity tag: it stands in double quotes, as in "\\"v42\\""`)
}

function tagOf({ modified, size }: OpenedFile): string {
  return `"${modified.toString(16)}-${size.toString(16)}"`
}

/** Bytes that differ need tags that differ (RFC 9110 §8.8.3.3). */
function withCoding(tag: string, coding: FileCoding | undefined): string {
  return coding ? `${tag.slice(0, -1)}-${coding}"` : tag
}

/** Never later than now: that is what caches reckon with (RFC 9110 §8.8.2.1). */
function lastModifiedOf({ modified }: OpenedFile): string {
  return serializeHttpDate(new Date(Math.min(Number(modified / 1_000_000n), Date.now())))
}

function setUnlessThere(fields: Headers, name: string, value: string): void {
  if (!fields.has(name)) fields.set(name, value)
}
