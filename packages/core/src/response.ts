import { ResponseCookies } from './cookies.ts'
import { Headers } from './headers.ts'
import type { HeadersInit } from './headers.ts'
import { abandonBody, discardBody, isWhole, toSendable } from './response-body.ts'
import type { ResponseBody, StreamedBody, WholeBody } from './response-body.ts'
import { Trailers } from './trailers.ts'

/** What a response can be given besides its body. */
export interface ResponseInit {
  /** Status code, 200 to 599; default 200. */
  readonly status?: number | undefined
  /** Reason phrase in the status line; default: the usual one of the status. */
  readonly statusText?: string | undefined
  /** Header fields; a `content-type` here outranks the one that the body implies. */
  readonly headers?: HeadersInit | undefined
}

const TEXT_TYPE = 'text/plain; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'
const BODILESS = new Set([204, 205, 304])
// Everything that may stand in a URL stays, escapes included; the rest is encoded. A backslash is encoded too:
// browsers read it as a slash, which would turn "/\host" into another site (RFC 3986 §2).
const NOT_IN_URL = /%(?![0-9A-Fa-f]{2})|[^!#$%&'()*+,./0-9:;=?@A-Z[\]_a-z~-]+/g

// For the helpers below only: what a body implies is nobody else's business.
let implyType: (response: Response, type: string) => Response

/**
 * The answer to one request. Same constructor as the Fetch `Response`, made for servers: middlewares may change
 * status, headers and cookies until it leaves. One object answers one request.
 *
 * Mostly made with {@link text}, {@link html}, {@link json}, {@link redirect} and {@link empty}.
 *
 * @example
 * ```ts
 * import { Response } from '@allium/core'
 *
 * const response = new Response('a,b\n', { headers: { 'content-type': 'text/csv' } })
 * response.status = 201
 * ```
 */
export class Response {
  static {
    implyType = (response, type) => {
      if (response.#impliedType !== undefined) response.#impliedType = type
      return response
    }
  }

  /** Reason phrase, or `undefined` for the usual one. */
  readonly statusText: string | undefined
  /** The error that this response renders, when there was one: middlewares read it, it is never sent. */
  error: unknown
  #body: WholeBody | StreamedBody
  #status: number
  // Of a body whose type nobody has decided: set into the headers only when somebody looks at them.
  #impliedType: string | undefined
  #headers: Headers | undefined
  #cookies: ResponseCookies | undefined
  #trailers: Trailers | undefined
  #length: number | undefined
  #replaced: StreamedBody[] | undefined
  #isStreamed: boolean
  #isDiscarded = false
  #sent = false

  /**
   * @throws RangeError for a status outside 200 to 599
   * @throws TypeError for a body of another kind, or one where the status allows none (204, 205, 304)
   */
  constructor(body?: ResponseBody | undefined, init?: ResponseInit | undefined) {
    this.statusText = init?.statusText
    this.error = undefined
    this.#body = null
    this.#status = 200
    this.#impliedType = undefined
    this.#headers = undefined
    this.#cookies = undefined
    this.#trailers = undefined
    this.#length = undefined
    this.#replaced = undefined
    this.#isStreamed = false
    if (typeof body === 'string') {
      this.#body = body
      this.#impliedType = TEXT_TYPE
    } else if (body != null) {
      this.#setBody(body)
    }
    if (init) this.#apply(init)
  }

  /**
   * Text (sent as UTF-8), bytes, nothing, or a source that is read once the headers have left: a `Readable`, a
   * `ReadableStream` or an async iterable of text and bytes. A `Blob`, `FormData` or `URLSearchParams` has become one
   * of these. A source whose response is not sent after all is closed.
   *
   * A middleware may set another body, for instance one that transforms the former source; a `content-length` that
   * was set for the former is dropped then. The former source is closed when the answer is complete, if not before.
   */
  get body(): WholeBody | StreamedBody {
    return this.#body
  }

  /** @throws TypeError for a body of another kind */
  set body(body: ResponseBody) {
    if (this.#isStreamed) (this.#replaced ??= []).push(this.#body as StreamedBody) // streamed says so
    this.#setBody(body)
    this.#headers?.delete('content-length')
  }

  /** Status code. */
  get status(): number {
    return this.#status
  }

  /** @throws RangeError for a status outside 200 to 599 */
  set status(status: number) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`Cannot set response status ${status}: it is not between 200 and 599`)
    }
    this.#status = status
  }

  /** Whether the status is between 200 and 299. */
  get ok(): boolean {
    return this.#status < 300
  }

  /** Header fields, without `Content-Length` and `Set-Cookie`, which are added when the response leaves. */
  get headers(): Headers {
    this.#headers ??= new Headers()
    if (this.#impliedType !== undefined) {
      this.#headers.set('content-type', this.#impliedType)
      this.#impliedType = undefined
    }
    return this.#headers
  }

  /** Cookies to set. */
  get cookies(): ResponseCookies {
    return (this.#cookies ??= new ResponseCookies())
  }

  /** Fields to send behind a streamed body; see {@link Trailers}. */
  get trailers(): Headers {
    return (this.#trailers ??= new Trailers())
  }

  /** Whether it has left, or is leaving: changes come too late then. */
  get sent(): boolean {
    return this.#sent
  }

  /** @internal Marks the response as leaving; false when it already was. */
  markSent(): boolean {
    if (this.#sent) return false
    return (this.#sent = true)
  }

  /** @internal Whether anything but the implied content type may be among the headers. */
  get hasOwnHeaders(): boolean {
    return this.#headers !== undefined
  }

  /** @internal Whether the body is read piece by piece. */
  get isStreamed(): boolean {
    return this.#isStreamed
  }

  /** @internal Length of a streamed body in bytes, where it is known: as declared, or as the body says. */
  get streamLength(): number | undefined {
    const declared = this.#headers?.get('content-length')
    return declared == null ? this.#length : Number(declared)
  }

  /** @internal Names and values of the trailers, flat; `undefined` when there are none. */
  get flatTrailers(): string[] | undefined {
    return this.#trailers?.toFlatArray()
  }

  /** @internal Closes the source of a body that will not be sent. */
  discard(): void {
    if (!this.#isDiscarded) discardBody(this.#body)
    this.#isDiscarded = true
    this.discardReplaced()
  }

  /** @internal Closes the sources that other bodies have taken the place of: nobody will read them any more. */
  discardReplaced(): void {
    if (this.#replaced) for (const body of this.#replaced) abandonBody(body)
    this.#replaced = undefined
  }

  /** @internal The headers have been sent before the onion unwound: changing them throws from now on. */
  leaveHeaders(): void {
    this.headers.leave()
  }

  /** @internal Names and values for the wire, flat, with cookies and without framing fields. */
  toFlatHeaders(): string[] {
    // Most responses never touch their headers: then no Headers object exists at all.
    const list = this.#headers?.toFlatArray() ?? []
    if (this.#impliedType !== undefined) list.push('content-type', this.#impliedType)
    if (this.#cookies) for (const value of this.#cookies.values()) list.push('set-cookie', value)
    return list
  }

  #setBody(body: ResponseBody): void {
    if (isWhole(body)) {
      this.#body = body
      this.#length = undefined
      this.#isStreamed = false
      if (body === null) this.#impliedType = undefined
      else this.#imply(BYTES_TYPE)
      return
    }
    const { content, type, length } = toSendable(body)
    this.#body = content
    this.#length = length
    this.#isStreamed = !isWhole(content)
    if (type !== undefined) this.#imply(type)
  }

  /** What a body says of itself counts where nobody has said anything yet. */
  #imply(type: string): void {
    if (!this.#headers?.has('content-type')) this.#impliedType ??= type
  }

  #apply(init: ResponseInit): void {
    if (init.status !== undefined) this.status = init.status
    if (init.headers !== undefined) {
      this.#headers = new Headers(init.headers)
      if (this.#headers.has('content-type')) this.#impliedType = undefined
    }
    if (this.#body !== null && BODILESS.has(this.#status)) {
      throw new TypeError(`Cannot make a response of status ${this.#status} with a body: HTTP allows none`)
    }
  }
}

/** A `text/plain` response in UTF-8. */
export function text(body: string, init?: ResponseInit | undefined): Response {
  return new Response(body, init)
}

/** A `text/html` response in UTF-8. The text is sent as it is: escape what comes from outside. */
export function html(body: string, init?: ResponseInit | undefined): Response {
  return implyType(new Response(body, init), HTML_TYPE)
}

/**
 * An `application/json` response.
 *
 * @throws TypeError for a value that JSON cannot express: `undefined`, a function, a BigInt, a cycle
 */
export function json(value: unknown, init?: ResponseInit | undefined): Response {
  const body = JSON.stringify(value) as string | undefined // undefined for undefined, functions and symbols
  if (body === undefined) throw new TypeError(`Cannot answer with JSON: the value is ${typeof value}`)
  return implyType(new Response(body, init), JSON_TYPE)
}

/** A response without a body, by default 204. */
export function empty(status = 204, init?: Omit<ResponseInit, 'status'> | undefined): Response {
  return new Response(null, { ...init, status })
}

/**
 * Sends the client elsewhere. What may not stand in a URL is percent-encoded. To a place that a user chose, check
 * it first: any http address is allowed here.
 *
 * @param location a path, or an http or https URL
 * @param status 301, 302, 303, 307 or 308; default 302
 * @throws TypeError for an empty location, control characters, or another scheme (`javascript:` …)
 * @throws RangeError for another status
 */
export function redirect(location: string | URL, status: 301 | 302 | 303 | 307 | 308 = 302): Response {
  const target = String(location)
  if (![301, 302, 303, 307, 308].includes(status))
    throw new RangeError(`Cannot redirect with status ${status}`)
  // eslint-disable-next-line no-control-regex
  if (target === '' || /[\u0000-\u001f\u007f]/.test(target)) {
    throw new TypeError('Cannot redirect: the location is empty or holds control characters')
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(target.trimStart())
  if (scheme && !/^https?$/i.test(scheme[1]!)) {
    throw new TypeError(`Cannot redirect to a "${scheme[1]}:" address: only http and https are allowed`)
  }
  return new Response(null, { status, headers: { location: target.replace(NOT_IN_URL, encodeURIComponent) } })
}
