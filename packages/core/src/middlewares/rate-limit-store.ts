import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { Awaitable } from '../middleware.ts'

/** How much is allowed. */
export interface RateLimit {
  /** So many at once, and so many in each window in the long run. */
  readonly limit: number
  /** In milliseconds. */
  readonly window: number
}

/** What became of an attempt. */
export interface RateLimitResult {
  /** Whether it is allowed. */
  readonly isAllowed: boolean
  /** How many more would be allowed now. */
  readonly remaining: number
  /** Milliseconds until the next one is allowed; 0 when it is now. */
  readonly retryAfter: number
  /** Milliseconds until everything is allowed again. */
  readonly resetAfter: number
}

/** Remembers how much of its allowance each key has used. What it decides for one key it decides one by one. */
export interface RateLimitStore {
  /**
   * Uses one of what the key is allowed, unless nothing is left.
   *
   * @param clock that of the application; a store that several machines share has its own time
   */
  take(key: string, limit: RateLimit, clock: Clock): Awaitable<RateLimitResult>
}

/** What a {@link MemoryRateLimitStore} can be given. */
export interface MemoryRateLimitStoreOptions {
  /** How many keys are remembered at most, the least recent ones forgotten first; default 100 000, some 20 MB. */
  readonly maxKeys?: number | undefined
}

/**
 * Counts in the memory of this process: several processes allow several times as much. Bounded, and what is over
 * is forgotten.
 */
export class MemoryRateLimitStore implements RateLimitStore {
  readonly #maxKeys: number
  // When the allowance of a key will be whole again. Two generations instead of an order: the older one goes as a
  // whole, when the younger is full or nothing in the older can count any more.
  #younger = new Map<string, number>()
  #older = new Map<string, number>()
  #longest = 0
  #since = 0

  /** @throws RangeError for fewer than two keys */
  constructor(options: MemoryRateLimitStoreOptions = {}) {
    this.#maxKeys = options.maxKeys ?? 100_000
    if (!(this.#maxKeys >= 2)) throw new RangeError(`Cannot remember ${this.#maxKeys} keys: two is the least`)
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#younger.size + this.#older.size
  }

  take(key: string, limit: RateLimit, clock: Clock = systemClock): RateLimitResult {
    const now = Math.floor(clock.elapsed() * 1000)
    const { interval, burst } = inMicroseconds(limit)
    this.#longest = Math.max(this.#longest, burst)
    if (this.#younger.size >= this.#maxKeys / 2 || now - this.#since > this.#longest) this.#forget(now)

    const whole = Math.max(this.#younger.get(key) ?? this.#older.get(key) ?? 0, now)
    const wait = whole + interval - burst - now
    if (wait <= 0) this.#younger.set(key, whole + interval)
    return toResult(limit, wait, whole - now)
  }

  #forget(now: number): void {
    this.#older = this.#younger
    this.#younger = new Map()
    this.#since = now
  }
}

/**
 * The limit as an even drip (the generic cell rate algorithm): each attempt costs one interval, and as many
 * intervals as fit may be used up at once. In whole microseconds, so that sums stay exact.
 *
 * @internal
 */
export function inMicroseconds({ limit, window }: RateLimit): { interval: number; burst: number } {
  const interval = Math.floor((window * 1000) / limit)
  return { interval, burst: interval * limit }
}

/**
 * @param wait microseconds until this attempt would be allowed; if it is, how long ago that was, as a negative number
 * @param used microseconds until everything was allowed again, before this attempt
 *
 * @internal
 */
export function toResult(limit: RateLimit, wait: number, used: number): RateLimitResult {
  const { interval, burst } = inMicroseconds(limit)
  const isAllowed = wait <= 0
  const left = burst - used - (isAllowed ? interval : 0)
  return {
    isAllowed,
    remaining: Math.floor(left / interval),
    retryAfter: isAllowed ? 0 : wait / 1000,
    resetAfter: (burst - left) / 1000,
  }
}
