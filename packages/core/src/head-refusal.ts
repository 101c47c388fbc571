import type { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import type { HeadFields } from './head-fields.ts'
import { isHost } from './host.ts'
import {
  HttpBadRequest,
  HttpExpectationFailed,
  HttpRequestHeaderFieldsTooLarge,
  HttpVersionNotSupported,
} from './http-error.ts'
import type { HttpError } from './http-error.ts'
import type { RequestTarget } from './request-target.ts'

/**
 * Why the head of a request is refused whatever the application is, if so: by its version, the number of its fields, its
 * target, its `Host`, or what it expects.
 *
 * @param target what was asked for, or why that cannot be read
 */
export function headRefusal(
  { raw, fields, connection }: Exchange,
  target: RequestTarget | string,
  maxHeadersCount: number,
): HttpError | undefined {
  // The parser lets 0.9 and 2.0 through, which do not look like this.
  if (raw.httpVersionMajor !== 1) return new HttpVersionNotSupported()
  if (raw.rawHeaders.length > 2 * maxHeadersCount) {
    return new HttpRequestHeaderFieldsTooLarge(`More than ${maxHeadersCount} header fields`)
  }
  if (typeof target === 'string') return new HttpBadRequest(target)
  if (!isHostValid(fields.host, raw.httpVersionMinor, connection))
    return new HttpBadRequest('The request needs exactly one valid Host field')
  if (fields.expect !== undefined && fields.expect.toLowerCase() !== '100-continue') {
    return new HttpExpectationFailed()
  }
  return undefined
}

/** Node takes the first of two and says nothing: here they are refused, like none (RFC 9112 §3.2). */
function isHostValid(host: HeadFields['host'], minorVersion: number, connection: Connection): boolean {
  if (host === undefined) return minorVersion === 0 // only HTTP/1.0 may do without
  if (host === connection.knownHost) return true
  if (host === null || !isHost(host)) return false
  connection.knownHost = host
  return true
}
