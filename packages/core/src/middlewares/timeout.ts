import type { Timer } from '../clock.ts'
import { HttpServiceUnavailable } from '../http-error.ts'
import type { Awaitable, Middleware, Next } from '../middleware.ts'
import { RequestAborted } from '../request-aborted.ts'
import type { Request } from '../request.ts'
import { Response } from '../response.ts'
import { RouteKey } from '../route-meta.ts'
import type { RouteMetaEntry } from '../route-meta.ts'

const ownTimeout = new RouteKey<number>('timeout')

/**
 * Answers 503 when what is further in takes longer. {@link Request.signal} fires then, with the reason `timeout`:
 * hand it to what the handler waits for, since nothing stops a handler by force. What it answers too late is
 * closed and thrown away, and a middleware that goes on too late gets no further.
 *
 * The time ends when the headers leave, so event streams and large files are not cut. A route with a `timeout`
 * option of its own is left to that.
 *
 * @throws RangeError for a time that is not positive, or endless
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { timeout } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(timeout(5000))
 * app.get('/report', () => text('made at leisure'), { timeout: 60_000 })
 * ```
 */
export function timeout(milliseconds: number): Middleware {
  assertTime(milliseconds)
  return function timeout(request, next) {
    return request.route?.meta.has(ownTimeout) ? next(request) : answerWithin(milliseconds, request, next)
  }
}

/**
 * The `timeout` option of a route: its time, and what keeps to it.
 *
 * @throws RangeError as {@link timeout} does, but for `Infinity`, which is no limit
 */
export function routeTimeout(milliseconds: number): { meta: RouteMetaEntry; middlewares: Middleware[] } {
  const meta = ownTimeout.with(milliseconds)
  if (milliseconds === Infinity) return { meta, middlewares: [] }
  assertTime(milliseconds)
  return {
    meta,
    middlewares: [
      function timeout(request, next) {
        return answerWithin(milliseconds, request, next)
      },
    ],
  }
}

function answerWithin(milliseconds: number, request: Request, next: Next): Awaitable<Response> {
  let timer: Timer | undefined
  let isPrepared = false
  request.onPrepare(() => {
    isPrepared = true
    timer?.clear()
  })
  const answer = next(request)
  if (answer instanceof Response || isPrepared) return answer

  return new Promise((resolve, reject) => {
    let isOver = false
    const limit = request.app.clock.setTimer(() => {
      isOver = true
      reject(giveUp(request, milliseconds))
    }, milliseconds)
    timer = limit
    answer.then(response => {
      limit.clear()
      if (isOver) response.discard()
      else resolve(response)
    }, reject)
  })
}

function giveUp(request: Request, milliseconds: number): HttpServiceUnavailable {
  const { method, rawPath, route, app } = request
  app.logger.warn({ method, path: rawPath, route: route?.path, milliseconds }, 'A request timed out')
  request.abort(new RequestAborted('timeout'))
  return new HttpServiceUnavailable('The answer took longer than the time limit')
}

function assertTime(milliseconds: number): void {
  if (milliseconds > 0 && milliseconds < Infinity) return
  throw new RangeError(`Cannot limit the time to ${milliseconds} ms: it is not positive, or endless`)
}
