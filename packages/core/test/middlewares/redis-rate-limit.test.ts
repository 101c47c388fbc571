import { Application, text } from '@allium/core'
import { rateLimit, RedisRateLimitStore } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { createClient } from 'redis'
import t from 'tap'
import type { Test } from 'tap'

const { REDIS_URL: given, ALLIUM_REQUIRE_SERVICES: required } = process.env
const url = new URL(given ?? 'redis://127.0.0.1:6379')
const skip = await reasonToSkip()

/** A client of each library, connected for the time of a test. */
const clients = {
  async ioredis(t: Test) {
    const client = new Redis(url.href)
    t.teardown(async () => void (await client.quit()))
    return {
      client,
      ttl: (key: string) => client.pttl(key),
      fill: (key: string) => client.multi().lpush(key, 'x').expire(key, 60).exec(),
      forget: () => client.script('FLUSH'),
    }
  },
  async redis(t: Test) {
    const client = createClient({ url: url.href })
    await client.connect()
    t.teardown(() => client.close())
    return {
      client,
      ttl: (key: string) => client.pTTL(key),
      fill: (key: string) => client.multi().lPush(key, 'x').expire(key, 60).exec(),
      forget: () => client.scriptFlush(),
    }
  },
}

for (const library of ['ioredis', 'redis'] as const) {
  void t.test(`RedisRateLimitStore over ${library}`, { skip }, async t => {
    t.test('counts like the one in memory, in keys that expire', async t => {
      const { client, ttl } = await clients[library](t)
      const prefix = `allium:${randomUUID()}:`
      const store = new RedisRateLimitStore(client, { prefix })
      const limit = { limit: 3, window: 60_000 }

      const first = { isAllowed: true, remaining: 2, retryAfter: 0, resetAfter: 20_000 }
      t.strictSame(await store.take('a', limit), first)
      for (const remaining of [1, 0]) t.match(await store.take('a', limit), { isAllowed: true, remaining })
      const refused = await store.take('a', limit)
      t.match(refused, { isAllowed: false, remaining: 0 })
      t.ok(refused.retryAfter > 15_000 && refused.retryAfter <= 20_000)
      t.ok(refused.resetAfter > 55_000 && refused.resetAfter <= 60_000)
      t.strictSame(await store.take('b', limit), first)
      const life = await ttl(`${prefix}a`)
      t.ok(life > 55_000 && life <= 60_000)
    })

    t.test('allows no more to many at once', async t => {
      const { client } = await clients[library](t)
      const stores = [new RedisRateLimitStore(client), new RedisRateLimitStore(client)]
      const key = randomUUID()
      const limit = { limit: 10, window: 60_000 }

      const results = await Promise.all(
        Array.from({ length: 100 }, (_, i) => stores[i % 2]!.take(key, limit)),
      )

      t.equal(results.filter(({ isAllowed }) => isAllowed).length, 10)
    })

    t.test('goes on when the server has forgotten the script', async t => {
      const { client, forget } = await clients[library](t)
      const store = new RedisRateLimitStore(client)
      await forget()

      t.ok((await store.take(randomUUID(), { limit: 1, window: 1000 })).isAllowed)
    })

    t.test('passes on what else the server says', async t => {
      const { client, fill } = await clients[library](t)
      const key = randomUUID()
      await fill(key)
      const store = new RedisRateLimitStore(client, { prefix: '' })

      await t.rejects(store.take(key, { limit: 1, window: 1000 }), /WRONGTYPE/)
    })

    t.test('limits applications that share it together', async t => {
      const { client } = await clients[library](t)
      const prefix = `allium:${randomUUID()}:`
      const statuses: number[] = []
      for (let i = 0; i < 3; i++) {
        const app = new Application()
        app.use(rateLimit({ limit: 2, window: 60_000, store: new RedisRateLimitStore(client, { prefix }) }))
        app.get('/', () => text('x'))
        statuses.push((await (await testClient(t, app)).get('/')).status)
      }

      t.strictSame(statuses, [200, 200, 429])
    })
  })
}

/** Why there is nothing to test, unless somebody insists that there is. */
async function reasonToSkip(): Promise<string | false> {
  if (given || required === '1' || (await isServed())) return false
  return `there is no Redis at ${url.href}`
}

/** Whether something accepts connections there. */
function isServed(): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(Number(url.port || 6379), url.hostname)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
