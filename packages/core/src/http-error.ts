import { ResponseCookies } from './cookies.ts'
import { Headers } from './headers.ts'
import type { HeadersInit } from './headers.ts'
import { reasonPhrase } from './reason-phrase.ts'

/** What an {@link HttpError} can be given besides its message. */
export interface HttpErrorOptions {
  /** Header fields of the answer. */
  readonly headers?: HeadersInit | undefined
  /** The error behind this one, for the log. */
  readonly cause?: unknown
}

/**
 * An error that is an answer: thrown in a handler or a middleware, it becomes the response with its status,
 * headers and cookies. The message is shown to the client; leave it out for the status' own phrase. Any other
 * error, whatever fields it has, is a 500 without a word.
 *
 * @example
 * ```ts
 * import { Application, HttpError, HttpNotFound } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/users/:id', ({ params }) => {
 *   throw new HttpNotFound(`There is no user ${params.id}`)
 * })
 * app.get('/tea', () => {
 *   throw new HttpError(418, 'Short and stout')
 * })
 * ```
 */
export class HttpError extends Error {
  /** Status code, 400 to 599. */
  readonly status: number
  /** Header fields of the answer. */
  readonly headers: Headers
  #cookies: ResponseCookies | undefined

  /** @throws RangeError for a status that is not an error */
  constructor(status: number, message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(
      message ?? reasonPhrase(status) ?? 'Error',
      options?.cause === undefined ? {} : { cause: options.cause },
    )
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`Cannot make an HttpError of status ${status}: it is not between 400 and 599`)
    }
    this.name = new.target.name
    this.status = status
    this.headers = new Headers(options?.headers)
  }

  /** Cookies of the answer. */
  get cookies(): ResponseCookies {
    return (this.#cookies ??= new ResponseCookies())
  }
}

/** 400: The request is malformed. */
export class HttpBadRequest extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(400, message, options)
  }
}

/** 401: The request lacks valid credentials; set `www-authenticate` in `headers` (RFC 9110 §15.5.2). */
export class HttpUnauthorized extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(401, message, options)
  }
}

/** 402: Reserved by HTTP for payment. */
export class HttpPaymentRequired extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(402, message, options)
  }
}

/** 403: The request is understood and refused. */
export class HttpForbidden extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(403, message, options)
  }
}

/** 404: There is nothing at this address, or nothing that may be shown. */
export class HttpNotFound extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(404, message, options)
  }
}

/** 406: No representation fits what the client accepts. */
export class HttpNotAcceptable extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(406, message, options)
  }
}

/** 407: The client has to authenticate with a proxy. */
export class HttpProxyAuthenticationRequired extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(407, message, options)
  }
}

/** 408: The request took too long to arrive. */
export class HttpRequestTimeout extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(408, message, options)
  }
}

/** 409: The request conflicts with the current state. */
export class HttpConflict extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(409, message, options)
  }
}

/** 410: What was here has gone for good. */
export class HttpGone extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(410, message, options)
  }
}

/** 411: A `Content-Length` is needed. */
export class HttpLengthRequired extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(411, message, options)
  }
}

/** 412: A condition in the request headers does not hold. */
export class HttpPreconditionFailed extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(412, message, options)
  }
}

/** 414: The request target, or a parameter in it, is too long. */
export class HttpUriTooLong extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(414, message, options)
  }
}

/** 415: The type or coding of the body is not supported. */
export class HttpUnsupportedMediaType extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(415, message, options)
  }
}

/** 416: None of the ranges asked for can be served. */
export class HttpRangeNotSatisfiable extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(416, message, options)
  }
}

/** 417: The `Expect` header cannot be met. */
export class HttpExpectationFailed extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(417, message, options)
  }
}

/** 421: The request was sent to a host that is not served here. */
export class HttpMisdirectedRequest extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(421, message, options)
  }
}

/** 422: The body is well-formed and does not make sense. */
export class HttpUnprocessableContent extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(422, message, options)
  }
}

/** 423: The resource is locked. */
export class HttpLocked extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(423, message, options)
  }
}

/** 424: Another request, on which this one depends, failed. */
export class HttpFailedDependency extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(424, message, options)
  }
}

/** 425: The request might be a replay (RFC 8470). */
export class HttpTooEarly extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(425, message, options)
  }
}

/** 426: Another protocol is needed; name it in `upgrade`. */
export class HttpUpgradeRequired extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(426, message, options)
  }
}

/** 428: The request has to be conditional. */
export class HttpPreconditionRequired extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(428, message, options)
  }
}

/** 429: The client sends too much; set `retry-after` in `headers`. */
export class HttpTooManyRequests extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(429, message, options)
  }
}

/** 431: The header fields are too many or too large. */
export class HttpRequestHeaderFieldsTooLarge extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(431, message, options)
  }
}

/** 500: The server failed; its message is shown, unlike that of any other error. */
export class HttpInternalServerError extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(500, message, options)
  }
}

/** 501: The method is not known to the server. */
export class HttpNotImplemented extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(501, message, options)
  }
}

/** 502: A server behind this one gave an invalid answer. */
export class HttpBadGateway extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(502, message, options)
  }
}

/** 503: The server cannot answer for now; set `retry-after` in `headers`. */
export class HttpServiceUnavailable extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(503, message, options)
  }
}

/** 504: A server behind this one did not answer in time. */
export class HttpGatewayTimeout extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(504, message, options)
  }
}

/** 505: The HTTP version is not supported. */
export class HttpVersionNotSupported extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(505, message, options)
  }
}

/** 506: Content negotiation is misconfigured (RFC 2295). */
export class HttpVariantAlsoNegotiates extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(506, message, options)
  }
}

/** 507: There is no room to store what the request needs. */
export class HttpInsufficientStorage extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(507, message, options)
  }
}

/** 508: The request loops (RFC 5842). */
export class HttpLoopDetected extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(508, message, options)
  }
}

/** 510: The request lacks an extension (RFC 2774). */
export class HttpNotExtended extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(510, message, options)
  }
}

/** 511: The client has to sign on to the network first. */
export class HttpNetworkAuthenticationRequired extends HttpError {
  constructor(message?: string | undefined, options?: HttpErrorOptions | undefined) {
    super(511, message, options)
  }
}

/** 405: the path exists and does not answer this method. Sets `Allow` (RFC 9110 §15.5.6). */
export class HttpMethodNotAllowed extends HttpError {
  /** The methods that are allowed, sorted. */
  readonly allowed: readonly string[]

  /** @param allowed the methods that the path does answer, in any order */
  constructor(method: string, allowed: Iterable<string>, options?: HttpErrorOptions | undefined) {
    super(405, `The method ${method} is not allowed here`, options)
    this.allowed = [...new Set(allowed)].sort()
    this.headers.set('allow', this.allowed.join(', '))
  }
}

/** What an {@link HttpContentTooLarge} can be given besides the limit. */
export interface HttpContentTooLargeOptions extends HttpErrorOptions {
  /** What is too large, in place of the body as a whole. */
  readonly message?: string | undefined
}

/** 413: the body, or something in it, is larger than the limit. */
export class HttpContentTooLarge extends HttpError {
  /** The limit: bytes, or how many there may be of what the message names. */
  readonly limit: number

  /** @param limit the largest body that is accepted, in bytes */
  constructor(limit: number, options?: HttpContentTooLargeOptions | undefined) {
    super(413, options?.message ?? `The body is larger than the limit of ${limit} bytes`, options)
    this.limit = limit
  }
}

/** 451: refused for legal reasons. Sets `Link` to whoever demands it (RFC 7725 §4). */
export class HttpUnavailableForLegalReasons extends HttpError {
  /** @param blockedBy address of the entity that blocks, if it may be named */
  constructor(blockedBy?: URL | undefined, options?: HttpErrorOptions | undefined) {
    super(451, undefined, options)
    if (blockedBy) this.headers.set('link', `<${blockedBy.href}>; rel="blocked-by"`)
  }
}
