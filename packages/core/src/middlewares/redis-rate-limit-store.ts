import { createHash } from 'node:crypto'

import { inMicroseconds, toResult } from './rate-limit-store.ts'
import type { RateLimit, RateLimitResult, RateLimitStore } from './rate-limit-store.ts'

/** What a {@link RedisRateLimitStore} uses of an `ioredis` client. */
export interface IoredisScripts {
  /** Runs a script that the server knows. */
  evalsha(sha1: string, keyCount: number, ...args: string[]): Promise<unknown>
  /** Runs a script. */
  eval(script: string, keyCount: number, ...args: string[]): Promise<unknown>
}

/** What a {@link RedisRateLimitStore} uses of a `redis` client. */
export interface NodeRedisScripts {
  /** Runs a script that the server knows. */
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  /** Runs a script. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

/** What a {@link RedisRateLimitStore} can be given. */
export interface RedisRateLimitStoreOptions {
  /** Begins every key; default `'allium:rate-limit:'`. */
  readonly prefix?: string | undefined
}

// One step on the server and by its clock, so that processes neither race nor disagree about the time. Times are
// microseconds; the two numbers returned are those of toResult().
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = whole + interval - burst - now
if wait <= 0 then
  local nextWhole = whole + interval
  redis.call('SET', KEYS[1], string.format('%.0f', nextWhole), 'PX', math.ceil((nextWhole - now) / 1000))
end
return { wait, whole - now }
`
const SHA1 = createHash('sha1').update(SCRIPT).digest('hex')

/**
 * Counts in Redis 5 or later, for any number of processes and machines together. Takes a client of `ioredis` or of
 * `redis`, connected and closed by whoever made it. Each attempt is one command; keys expire by themselves.
 *
 * @example
 * ```ts compile
 * import { Application } from '@allium/core'
 * import { rateLimit, RedisRateLimitStore } from '@allium/core/middlewares'
 * import { Redis } from 'ioredis'
 *
 * const redis = new Redis({ enableOfflineQueue: false })
 * const app = new Application()
 * app.use(rateLimit({ limit: 100, window: 60_000, store: new RedisRateLimitStore(redis) }))
 * app.onCleanup.add(async () => void (await redis.quit()))
 * ```
 */
export class RedisRateLimitStore implements RateLimitStore {
  readonly #client: IoredisScripts | NodeRedisScripts
  readonly #prefix: string

  constructor(client: IoredisScripts | NodeRedisScripts, options: RedisRateLimitStoreOptions = {}) {
    this.#client = client
    this.#prefix = options.prefix ?? 'allium:rate-limit:'
  }

  /** @throws whatever the client throws */
  async take(key: string, limit: RateLimit): Promise<RateLimitResult> {
    const { interval, burst } = inMicroseconds(limit)
    const reply = await this.#run(this.#prefix + key, [String(interval), String(burst)])
    const [wait, used] = reply as [number, number] // what the script returns
    return toResult(limit, wait, used)
  }

  async #run(key: string, args: string[]): Promise<unknown> {
    const client = this.#client
    try {
      if ('evalSha' in client) return await client.evalSha(SHA1, { keys: [key], arguments: args })
      return await client.evalsha(SHA1, 1, key, ...args)
    } catch (error) {
      // A server that was started anew has forgotten the script.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      if ('evalSha' in client) return client.eval(SCRIPT, { keys: [key], arguments: args })
      return client.eval(SCRIPT, 1, key, ...args)
    }
  }
}
