import { HttpServiceUnavailable } from '../http-error.ts'
import { isInstance } from '../is-instance.ts'
import { ANSWERED } from '../middleware.ts'
import type { Middleware } from '../middleware.ts'
import { RequestAborted } from '../request-aborted.ts'
import { enterLayer } from '../request.ts'
import type { Request } from '../request.ts'

/** What {@link limitConcurrency} needs. */
export interface LimitConcurrencyOptions {
  /** How many requests are worked on at once. */
  readonly max: number
  /** How many more may wait for their turn; default: as many as `max`. 0 for none. */
  readonly maxWaiting?: number | undefined
  /** How long one may wait, in milliseconds; default 1000. */
  readonly waitTimeout?: number | undefined
  /** When clients should come back, in seconds, as `Retry-After` tells them; default 1. */
  readonly retryAfter?: number | undefined
}

/**
 * Lets only so many requests through at once. The next ones wait, first come first served, and what is more than
 * that, or has waited too long, is answered 503 with `Retry-After` at once: a server that is overloaded stays able
 * to answer. Put it around a whole application, or around what is expensive.
 *
 * A request counts until its headers leave. One whose client has gone while it waited is never worked on. Put
 * {@link timeout} outside of it, so that a handler which goes on after its time still counts.
 *
 * @throws RangeError for a number that is not a whole one, or for `max` 0
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { limitConcurrency } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.get('/report', () => text('expensive'), { middlewares: [limitConcurrency({ max: 4, maxWaiting: 20 })] })
 * ```
 */
export function limitConcurrency(options: LimitConcurrencyOptions): Middleware {
  const { max, maxWaiting = max, waitTimeout = 1000, retryAfter = 1 } = options
  for (const [name, value] of Object.entries({ max, maxWaiting, waitTimeout, retryAfter })) {
    if (!Number.isSafeInteger(value) || value < (name === 'max' ? 1 : 0)) {
      throw new RangeError(
        `Cannot limit concurrency with ${name} ${value}: it is not a whole number that fits`,
      )
    }
  }
  const gate = new Gate(max, maxWaiting, waitTimeout)

  return async function limitConcurrency(request, next) {
    const leave = await gate.enter(request)
    if (!leave)
      throw new HttpServiceUnavailable(undefined, { headers: { 'retry-after': String(retryAfter) } })
    request.onPrepare(() => {
      if (!isAnswered(request)) leave() // headers that leave from inside the handler
    })
    try {
      return await next(request)
    } finally {
      leave()
    }
  }
}

/** Whether the answer was made further out, as by a timeout: the handler may be at work yet. */
function isAnswered(request: Request): boolean {
  const depth = enterLayer(request, ANSWERED)
  enterLayer(request, depth)
  return depth === ANSWERED
}

/** So many may be inside; the others queue up. */
class Gate {
  readonly #max: number
  readonly #maxWaiting: number
  readonly #waitTimeout: number
  readonly #waiting = new Set<() => void>() // in the order in which they came
  #inside = 0

  constructor(max: number, maxWaiting: number, waitTimeout: number) {
    this.#max = max
    this.#maxWaiting = maxWaiting
    this.#waitTimeout = waitTimeout
  }

  /** @returns what to call when done, once or more often; `undefined` when there was no room in time */
  async enter(request: Request): Promise<(() => void) | undefined> {
    if (this.#inside < this.#max) this.#inside++
    else if (!(await this.#wait(request))) return undefined

    let isInside = true
    return () => {
      if (isInside) this.#leave()
      isInside = false
    }
  }

  /** Whoever leaves hands the place on, so that nobody who comes just then jumps the queue. */
  #leave(): void {
    const [first] = this.#waiting
    if (first) first()
    else this.#inside--
  }

  #wait(request: Request): Promise<boolean> {
    if (this.#waiting.size >= this.#maxWaiting) return Promise.resolve(false)
    const { signal, app } = request
    return new Promise(resolve => {
      const settle = (isIn: boolean) => {
        this.#waiting.delete(enter)
        timer.clear()
        signal.removeEventListener('abort', onAbort)
        resolve(isIn)
      }
      const enter = () => settle(true)
      const onAbort = () => {
        if (!isShutdown(signal.reason)) settle(false)
      }
      const timer = app.clock.setTimer(() => settle(false), this.#waitTimeout)
      signal.addEventListener('abort', onAbort)
      this.#waiting.add(enter)
    })
  }
}

/** A server that stops still answers what it has accepted. */
function isShutdown(reason: unknown): boolean {
  return isInstance(reason, RequestAborted) && reason.abortCause === 'shutdown'
}
