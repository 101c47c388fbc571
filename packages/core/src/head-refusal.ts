import type { IncomingMessage } from 'node:http'

import type { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'
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
  { raw, connection }: Exchange,
  target: RequestTarget | string,
  maxHeadersCount: number,
): HttpError | undefined {
  const { rawHeaders, headers } = raw
  // The parser lets 0.9 and 2.0 through, which do not look like this.
  if (raw.httpVersionMajor !== 1) return new HttpVersionNotSupported()
  if (rawHeaders.length > 2 * maxHeadersCount) {
    return new HttpRequestHeaderFieldsTooLarge(`More than ${maxHeadersCount} header fields`)
  }
  if (typeof target === 'string') return new HttpBadRequest(target)
  if (!isHostFieldValid(raw, connection))
    return new HttpBadRequest('The request needs exactly one valid Host field')
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return new HttpExpectationFailed()
  }
  return undefined
}

function isHostFieldValid(raw: IncomingMessage, connection: Connection): boolean {
  const { rawHeaders } = raw
  let host: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (host !== undefined) return false // Node takes the first of two and says nothing (RFC 9112 §3.2)
    host = rawHeaders[i + 1]
  }
  if (host === undefined) return raw.httpVersionMinor === 0 // only HTTP/1.0 may do without
  if (host === connection.knownHost) return true
  if (!isHost(host)) return false
  connection.knownHost = host
  return true
}
