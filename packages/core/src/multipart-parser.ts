import { Headers } from './headers.ts'
import { HttpBadRequest, HttpContentTooLarge } from './http-error.ts'

/** The beginning of a part. */
export interface PartHead {
  readonly kind: 'head'
  readonly headers: Headers
}

/** What a multipart body is made of: parts, each with a head, pieces of content that are never empty, and an end. */
export type MultipartEvent =
  PartHead | { readonly kind: 'content'; readonly bytes: Buffer } | { readonly kind: 'end' }

/** What the header fields of one part may cost. */
export interface PartHeaderLimits {
  /** In bytes. */
  readonly headerSize: number
  readonly headersCount: number
}

type State = 'preamble' | 'delimiter' | 'closing' | 'headers' | 'content' | 'epilogue'

const BOUNDARY = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/
const CRLF = Buffer.from('\r\n')
const END_OF_HEADERS = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)
const [TAB, LF, CR, SPACE, DASH] = [0x09, 0x0a, 0x0d, 0x20, 0x2d]
/** Blanks that may follow a delimiter (RFC 2046 §5.1.1); nobody is known to send any. */
const PADDING_MAX = 128

/**
 * Takes a multipart body apart while it arrives (RFC 2046 §5.1). What is not exactly such a body is refused: where
 * parsers guess they guess differently, and an upload passes a filter as something else than it is stored as.
 *
 * It keeps nothing of the body but the beginning of a delimiter, or of header fields, that are not whole yet.
 */
export class MultipartParser {
  readonly #delimiter: Buffer
  readonly #limits: PartHeaderLimits
  #state: State = 'preamble'
  // The first delimiter may stand at the very beginning, without the line end that belongs to it.
  #rest: Buffer = CRLF

  /** @throws HttpBadRequest for a boundary that is missing, longer than 70 characters, or of others than allowed */
  constructor(boundary: string | undefined, limits: PartHeaderLimits) {
    if (boundary === undefined || !BOUNDARY.test(boundary)) {
      throw new HttpBadRequest('A multipart Content-Type needs a boundary of 1 to 70 characters')
    }
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#limits = limits
  }

  /**
   * Takes the next bytes, and gives what they contain, one by one as it is asked for. All of it must be asked for.
   *
   * @throws HttpBadRequest for what is not a multipart body
   * @throws HttpContentTooLarge for header fields over the limits
   */
  *push(chunk: Buffer): Generator<MultipartEvent, void> {
    let bytes: Buffer | undefined = this.#withRest(chunk)
    while (bytes) {
      if (this.#state === 'content') bytes = yield* this.#readContent(bytes)
      else if (this.#state === 'headers') bytes = yield* this.#readHeaders(bytes)
      else if (this.#state === 'preamble') bytes = this.#skipPreamble(bytes)
      else if (this.#state === 'epilogue') bytes = undefined
      else bytes = this.#readEndOfDelimiter(bytes, this.#state)
    }
  }

  /**
   * Nothing more will come.
   *
   * @throws HttpBadRequest unless the closing delimiter has come
   */
  finish(): void {
    if (this.#state === 'epilogue' || (this.#state === 'closing' && !this.#rest.includes(CR))) return
    throw new HttpBadRequest('The multipart body ends before its closing boundary')
  }

  #withRest(chunk: Buffer): Buffer {
    const rest = this.#rest
    this.#rest = NOTHING
    if (rest.length === 0) return chunk
    const first = this.#delimiter.length - CRLF.length
    // As clients begin: nothing is copied then.
    if (
      rest === CRLF &&
      chunk.length >= first &&
      chunk.compare(this.#delimiter, CRLF.length, undefined, 0, first) === 0
    ) {
      return this.#enter('delimiter', chunk.subarray(first))
    }
    return Buffer.concat([rest, chunk])
  }

  #skipPreamble(bytes: Buffer): Buffer | undefined {
    const start = bytes.indexOf(this.#delimiter)
    if (start === -1) return this.#keep(bytes.subarray(this.#possibleDelimiter(bytes)))
    return this.#enter('delimiter', bytes.subarray(start + this.#delimiter.length))
  }

  /** What follows a boundary on its line: two dashes on the last one, then nothing but blanks. */
  #readEndOfDelimiter(bytes: Buffer, state: 'delimiter' | 'closing'): Buffer | undefined {
    if (bytes.length < 2 && state === 'delimiter') return this.#keep(bytes)
    if (bytes[0] === DASH && bytes[1] === DASH && state === 'delimiter') {
      return this.#enter('closing', bytes.subarray(2))
    }
    let end = 0
    while (isBlank(bytes[end])) end++
    const isWhole = bytes[end] === CR && bytes[end + 1] === LF
    const mayBeWhole = end === bytes.length || (bytes[end] === CR && end + 1 === bytes.length)
    if (end > PADDING_MAX || (!isWhole && !mayBeWhole)) {
      throw new HttpBadRequest('The multipart body has something else behind a boundary on its line')
    }
    if (!isWhole) return this.#keep(bytes)
    return this.#enter(state === 'closing' ? 'epilogue' : 'headers', bytes.subarray(end))
  }

  /** The bytes begin with the end of the delimiter's line, so that no header fields at all look like any. */
  *#readHeaders(bytes: Buffer): Generator<MultipartEvent, Buffer | undefined> {
    const { headerSize } = this.#limits
    const end = bytes.indexOf(END_OF_HEADERS)
    const size = (end === -1 ? bytes.length - END_OF_HEADERS.length : end) - CRLF.length
    if (size > headerSize) {
      throw new HttpContentTooLarge(headerSize, {
        message: `The header fields of a part are larger than the limit of ${headerSize} bytes`,
      })
    }
    if (end === -1) return this.#keep(bytes)
    yield { kind: 'head', headers: this.#parseHeaders(bytes.toString('latin1', CRLF.length, end)) }
    return this.#enter('content', bytes.subarray(end + END_OF_HEADERS.length))
  }

  *#readContent(bytes: Buffer): Generator<MultipartEvent, Buffer | undefined> {
    const end = bytes.indexOf(this.#delimiter)
    const length = end === -1 ? this.#possibleDelimiter(bytes) : end
    if (length > 0) yield { kind: 'content', bytes: bytes.subarray(0, length) }
    if (end === -1) return this.#keep(bytes.subarray(length))
    yield { kind: 'end' }
    return this.#enter('delimiter', bytes.subarray(end + this.#delimiter.length))
  }

  #parseHeaders(text: string): Headers {
    const { headersCount } = this.#limits
    const headers = new Headers()
    const lines = text === '' ? [] : text.split('\r\n')
    if (lines.length > headersCount) {
      throw new HttpContentTooLarge(headersCount, {
        message: `A part has more than ${headersCount} header fields`,
      })
    }
    for (const line of lines) {
      const colon = line.indexOf(':')
      try {
        headers.append(line.slice(0, Math.max(colon, 0)), trimBlanks(line.slice(colon + 1)))
      } catch (cause) {
        throw new HttpBadRequest('A part of the multipart body has a malformed header field', { cause })
      }
    }
    return headers
  }

  /** Where the bytes may break off within a delimiter; their length when they do not. */
  #possibleDelimiter(bytes: Buffer): number {
    const first = Math.max(bytes.length - this.#delimiter.length + 1, 0)
    for (let at = bytes.indexOf(CR, first); at !== -1; at = bytes.indexOf(CR, at + 1)) {
      if (bytes.compare(this.#delimiter, 0, bytes.length - at, at) === 0) return at
    }
    return bytes.length
  }

  #enter(state: State, bytes: Buffer): Buffer {
    this.#state = state
    return bytes
  }

  #keep(bytes: Buffer): undefined {
    this.#rest = bytes
  }
}

/** Not by a regex: to look for blanks at the end would cost the square of those within. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number | undefined): boolean {
  return code === SPACE || code === TAB
}
