import { Readable } from 'node:stream'

import type { Handler } from './middleware.ts'
import type { Request } from './request.ts'

/** Answers a Fetch `Request` with a Fetch `Response`: the shape of handlers that run anywhere. */
export type FetchFunction = (
  request: globalThis.Request,
) => globalThis.Response | Promise<globalThis.Response>

/**
 * Makes a handler of one that speaks Fetch, such as the `fetch` of another framework's application. The request's body
 * is not read before that handler does, and its `signal` is {@link Request.signal}. The answer is sent by the rules of
 * any other: middlewares and prepare hooks see it, its body is streamed with back-pressure.
 *
 * @example
 * ```ts
 * import { Application, fetchHandler } from '@allium/core'
 *
 * const app = new Application()
 * app.any('/api/*', fetchHandler(request => Response.json({ method: request.method })))
 * ```
 */
export function fetchHandler(handle: FetchFunction): Handler {
  return request => handle(toFetchRequest(request))
}

function toFetchRequest(request: Request): globalThis.Request {
  const { method, url, signal } = request
  const headers = new globalThis.Headers()
  for (const [name, value] of request.headers) headers.append(name, value)
  const init: RequestInit & { duplex: 'half' } = { method, headers, signal, duplex: 'half' }
  if (method !== 'GET' && method !== 'HEAD' && request.hasBody) {
    headers.delete('content-encoding') // undone by what reads the body, within the limit of the route
    init.body = Readable.toWeb(request.body)
  }
  return new globalThis.Request(url, init)
}
