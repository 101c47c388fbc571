/** The first lines of a response. */
export interface ResponseHead {
  /** `0` for HTTP/1.0, `1` for HTTP/1.1. */
  readonly minorVersion: number
  readonly status: number
  readonly statusText: string
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[]
  /** Whether the connection can be used again, as far as the head tells. */
  readonly keepsAlive: boolean
  /** Bytes of the body, or how else its end is found. */
  readonly length: number | 'chunked' | 'until close'
}

// eslint-disable-next-line no-control-regex -- these are the characters that a reason phrase may not have
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: ([^\0-\x08\x0a-\x1f\x7f]*))?$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// eslint-disable-next-line no-control-regex -- these are the characters that a field value may not have
const NOT_IN_VALUE = /[\0-\x08\x0a-\x1f\x7f]/

/** What arrived is not a response as HTTP/1.1 defines it. */
export class MalformedResponseError extends Error {
  /** As the parser of Node's own client has it for its like. */
  readonly code = 'HPE_INVALID_RESPONSE'

  constructor(what: string, shown: string) {
    super(`The response is not HTTP: ${what} ${JSON.stringify(shown.slice(0, 100))}`)
    this.name = 'MalformedResponseError'
  }
}

/**
 * Reads the head of a response (RFC 9112 §4–6), as strictly as servers read requests: what a lenient client would let pass
 * is what a test has to find.
 *
 * @param text without the empty line at its end, one character per byte
 * @throws MalformedResponseError
 */
export function parseResponseHead(text: string): ResponseHead {
  const lines = text.split('\r\n')
  const match = STATUS_LINE.exec(lines[0]!)
  if (!match) throw new MalformedResponseError('a status line is expected, and not', lines[0]!)
  const minorVersion = Number(match[1])
  const rawHeaders: string[] = []
  const framing = new Framing()
  for (let i = 1; i < lines.length; i++) {
    const value = pushField(rawHeaders, lines[i]!)
    framing.see(rawHeaders.at(-2)!, value)
  }
  return {
    minorVersion,
    status: Number(match[2]),
    statusText: match[3] ?? '',
    rawHeaders,
    keepsAlive: framing.closes === undefined ? minorVersion === 1 : !framing.closes,
    length: framing.isChunked ? 'chunked' : (framing.length ?? 'until close'),
  }
}

/**
 * Reads the fields after a chunked body.
 *
 * @throws MalformedResponseError
 */
export function parseTrailers(text: string): string[] {
  const rawTrailers: string[] = []
  if (text !== '') for (const line of text.split('\r\n')) pushField(rawTrailers, line)
  return rawTrailers
}

/** Adds name and value of a line; returns the value. */
function pushField(fields: string[], line: string): string {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(colon, 0))
  const value = trimBlanks(line.slice(colon + 1))
  if (!TOKEN.test(name) || NOT_IN_VALUE.test(value)) {
    throw new MalformedResponseError('a header field is expected, and not', line)
  }
  fields.push(name, value)
  return value
}

function trimBlanks(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value, start)) start++
  while (end > start && isBlank(value, end - 1)) end--
  return start === 0 && end === value.length ? value : value.slice(start, end)
}

function isBlank(value: string, index: number): boolean {
  const code = value.charCodeAt(index)
  return code === 0x20 || code === 0x09
}

/** What the fields tell about where the body ends, and whether the connection does with it. */
class Framing {
  length: number | undefined
  isChunked = false
  closes: boolean | undefined

  see(name: string, value: string): void {
    // Lengths first: most fields are none of these.
    if (name.length === 14 && name.toLowerCase() === 'content-length') this.#seeLength(value)
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') this.#seeCoding(value)
    else if (name.length === 10 && name.toLowerCase() === 'connection') this.#seeConnection(value)
  }

  #seeLength(value: string): void {
    if (!/^\d{1,15}$/.test(value)) throw new MalformedResponseError('a length is expected, and not', value)
    if (this.isChunked || (this.length !== undefined && this.length !== Number(value))) throw ambiguous(value)
    this.length = Number(value)
  }

  #seeCoding(value: string): void {
    if (value.toLowerCase() !== 'chunked') {
      throw new MalformedResponseError('the only transfer coding is "chunked", and not', value)
    }
    if (this.isChunked || this.length !== undefined) throw ambiguous(value)
    this.isChunked = true
  }

  #seeConnection(value: string): void {
    for (const option of value.toLowerCase().split(',')) {
      if (option.trim() === 'close') this.closes = true
      else if (option.trim() === 'keep-alive') this.closes ??= false
    }
  }
}

function ambiguous(value: string): MalformedResponseError {
  return new MalformedResponseError('two fields tell differently where the body ends, the second is', value)
}
