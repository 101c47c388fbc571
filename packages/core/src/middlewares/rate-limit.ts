import type { Clock } from '../clock.ts'
import { HttpServiceUnavailable, HttpTooManyRequests } from '../http-error.ts'
import type { Awaitable, Middleware } from '../middleware.ts'
import type { Request } from '../request.ts'
import { clientKey } from './client-key.ts'
import { MemoryRateLimitStore } from './rate-limit-store.ts'
import type { RateLimit, RateLimitResult, RateLimitStore } from './rate-limit-store.ts'

/** What {@link rateLimit} needs. */
export interface RateLimitOptions extends RateLimit {
  /** Whom to count by, `undefined` not to count; default: {@link clientKey}, the address of the client. */
  readonly key?: ((request: Request) => string | undefined) | undefined
  /** Where to count; default: a {@link MemoryRateLimitStore} of its own. */
  readonly store?: RateLimitStore | undefined
  /**
   * Names the limit in header fields and keys: letters, digits, `_` and `-`, default `'default'`. Limits that share
   * a store need different names.
   */
  readonly name?: string | undefined
  /** How long the store may take, in milliseconds; default 1000. */
  readonly storeTimeout?: number | undefined
  /** Whether requests pass while the store fails, which is logged; else they are 503. Default `true`. */
  readonly passOnStoreError?: boolean | undefined
}

/**
 * Answers 429 to clients that send too much, with `Retry-After`, and tells every client by `RateLimit` and
 * `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) what it has left.
 *
 * A client may send `limit` requests at once; what it has used comes back evenly, so that over time `limit` pass in
 * each window. Put it outside of what is expensive: refused requests get no further, and their bodies are not read.
 *
 * @throws RangeError for a limit that is no whole number from 1 on, or of more than 1000 in a millisecond
 * @throws TypeError for a name with other characters
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { rateLimit } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(rateLimit({ limit: 300, window: 60_000 }))
 * app.post('/sign-in', () => text('welcome'), {
 *   middlewares: [rateLimit({ name: 'sign-in', limit: 5, window: 15 * 60_000 })],
 * })
 * ```
 */
export function rateLimit(options: RateLimitOptions): Middleware {
  const { limit, window, key = clientKey, name = 'default' } = options
  assertLimit(limit, window)
  if (!/^[\w-]+$/.test(name))
    throw new TypeError(`Cannot name a rate limit "${name}": letters, digits, _ and - only`)
  const policy = `"${name}";q=${limit};w=${Math.ceil(window / 1000)}`
  const take = taker(options.store ?? new MemoryRateLimitStore(), options)

  return async function rateLimit(request, next) {
    const who = key(request)
    if (who === undefined) return next(request)
    const result = await take(`${name}:${who}`, request)
    if (!result) return next(request)

    request.onPrepare((_, { headers }) => {
      headers.append('ratelimit-policy', policy)
      headers.append('ratelimit', `"${name}";r=${result.remaining};t=${inSeconds(result.resetAfter)}`)
    })
    if (result.isAllowed) return next(request)
    const headers = { 'retry-after': String(inSeconds(result.retryAfter)) }
    throw new HttpTooManyRequests(undefined, { headers })
  }
}

type Take = (key: string, request: Request) => Promise<RateLimitResult | undefined>

/** Asks the store; `undefined` when it failed and that does not matter. */
function taker(store: RateLimitStore, options: RateLimitOptions): Take {
  const { limit, window, storeTimeout = 1000, passOnStoreError = true } = options
  return async (key, { app }) => {
    try {
      return await within(app.clock, storeTimeout, store.take(key, { limit, window }, app.clock))
    } catch (err) {
      if (!passOnStoreError) throw new HttpServiceUnavailable(undefined, { cause: err })
      app.logger.error({ err }, 'A rate limit is not known: the request passes')
      return undefined
    }
  }
}

/** A client of a store may wait for its server for ever. */
function within<Value>(clock: Clock, milliseconds: number, value: Awaitable<Value>): Awaitable<Value> {
  if (!(value instanceof Promise)) return value
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`No answer within ${milliseconds} ms`))
    const timer = clock.setTimer(late, milliseconds)
    value.then(resolve, reject).finally(() => timer.clear())
  })
}

function assertLimit(limit: number, window: number): void {
  const isPossible = Number.isSafeInteger(limit) && limit >= 1 && window >= limit / 1000
  if (isPossible && Number.isSafeInteger(window * 1000)) return
  throw new RangeError(
    `Cannot limit to ${limit} requests in ${window} ms: give whole numbers, up to 1000 in each ms`,
  )
}

function inSeconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000)
}
