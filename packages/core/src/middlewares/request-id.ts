import { randomUUID } from 'node:crypto'
import { validateHeaderName } from 'node:http'

import type { Middleware } from '../middleware.ts'
import type { Request } from '../request.ts'
import { requestIdKey } from '../request-id.ts'

/** What {@link requestId} can be given. */
export interface RequestIdOptions {
  /** The field of request and response; default `x-request-id`. */
  readonly header?: string | undefined
  /**
   * Whether an id that came with the request is taken over: only from a proxy of your own, or clients choose what
   * stands in the log. Default `false`.
   */
  readonly trustIncoming?: boolean | ((request: Request) => boolean) | undefined
  /** Makes an id; default: a random UUID, of 122 bits. */
  readonly generate?: (() => string) | undefined
}

const VALID = /^[\w.+/=:@~-]{1,128}$/

/**
 * Gives every request an id, for logs and for whoever reports a fault: in the request state under
 * {@link requestIdKey}, and in a field of the response, whatever makes the response.
 *
 * An id from outside is taken over only if `trustIncoming` says so and it is at most 128 letters, digits and
 * `. _ + / = : @ ~ -`; anything else is replaced.
 *
 * @throws TypeError for a field name that HTTP does not allow
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { requestId, requestIdKey } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(requestId({ trustIncoming: request => request.remote === '127.0.0.1' }))
 * app.get('/', request => text(`This is request ${request.state.get(requestIdKey)}`))
 * ```
 */
export function requestId(options: RequestIdOptions = {}): Middleware {
  const { header = 'x-request-id', trustIncoming = false, generate = randomUUID } = options
  validateHeaderName(header)
  const isTrusted = typeof trustIncoming === 'function' ? trustIncoming : () => trustIncoming

  return function requestId(request, next) {
    const incoming = request.headers.get(header)
    const isTaken = incoming !== null && VALID.test(incoming) && isTrusted(request)
    const id = isTaken ? incoming : generate()
    request.state.set(requestIdKey, id)
    request.onPrepare((_, response) => response.headers.set(header, id))
    return next(request)
  }
}
