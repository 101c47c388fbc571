import { Application, Clock, createLogger, text } from '@allium/core'
import type { Timer } from '@allium/core'
import { clientKey, MemoryRateLimitStore, rateLimit } from '@allium/core/middlewares'
import type { RateLimitOptions, RateLimitStore } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import type { TestResponse } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

const MINUTE = 60_000

/** Time that goes on when it is told to. */
class StandingClock extends Clock {
  time = 0

  override now(): number {
    return this.time
  }

  override elapsed(): number {
    return this.time
  }

  override setTimer(): Timer {
    return { clear() {} }
  }
}

function createApp(...limits: RateLimitOptions[]): { app: Application; lines: string[] } {
  const lines: string[] = []
  const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
  app.use(...limits.map(rateLimit))
  app.get('/', () => text('x'))
  return { app, lines }
}

function limits({ status, headers }: TestResponse): string {
  return `${status} ${headers.get('ratelimit')} ${headers.get('retry-after')}`
}

overEachTransport('rateLimit', (t, transport) => {
  t.test('counts what a client has left, refuses what is more, and says when to come back', async t => {
    const { app } = createApp({ limit: 3, window: MINUTE })
    const client = await testClient(t, app, { transport, runner: { clock: new StandingClock() } })

    const first = await client.get('/')
    t.equal(limits(first), '200 "default";r=2;t=20 null')
    t.equal(first.headers.get('ratelimit-policy'), '"default";q=3;w=60')
    t.equal(limits(await client.get('/missing')), '404 "default";r=1;t=40 null')
    t.equal(limits(await client.get('/')), '200 "default";r=0;t=60 null')
    for (let repeats = 0; repeats < 3; repeats++) {
      t.equal(limits(await client.get('/')), '429 "default";r=0;t=60 20')
    }
  })

  t.test('gives back evenly what was used', async t => {
    const clock = new StandingClock()
    const { app } = createApp({ limit: 2, window: 1000 })
    const client = await testClient(t, app, { transport, runner: { clock } })
    const statuses: number[] = []

    for (const step of [0, 0, 499, 1, 0, 500, 0, 5000, 0, 0]) {
      clock.time += step
      statuses.push((await client.get('/')).status)
    }

    t.strictSame(statuses, [200, 200, 429, 200, 429, 200, 429, 200, 200, 429])
  })

  t.test('counts by whatever a function says, or not at all', async t => {
    const { app } = createApp({
      limit: 1,
      window: MINUTE,
      key: ({ query }) => query.get('user') ?? undefined,
    })
    const client = await testClient(t, app, { transport })
    const status = async (path: string) => (await client.get(path)).status

    t.strictSame(
      [await status('/?user=a'), await status('/?user=a'), await status('/?user=b')],
      [200, 429, 200],
    )
    for (let repeats = 0; repeats < 3; repeats++) t.equal(await status('/'), 200)
    t.equal((await client.get('/')).headers.get('ratelimit'), null)
  })

  t.test('stands beside others, each with its name', async t => {
    const store = new MemoryRateLimitStore()
    const { app } = createApp(
      { limit: 9, window: 9000, store },
      { name: 'burst', limit: 1, window: 1500, store },
    )
    const client = await testClient(t, app, { transport, runner: { clock: new StandingClock() } })

    const { headers } = await client.get('/')

    t.equal(headers.get('ratelimit'), '"burst";r=0;t=2, "default";r=8;t=1')
    t.equal(headers.get('ratelimit-policy'), '"burst";q=1;w=2, "default";q=9;w=9')
    t.equal(limits(await client.get('/')), '429 "burst";r=0;t=2, "default";r=7;t=2 2')
  })
})

t.test('a store that fails, or never answers, lets requests pass, or not', async t => {
  const failing: RateLimitStore = { take: () => Promise.reject(new Error('down')) }
  const hanging: RateLimitStore = { take: () => new Promise(() => {}) }
  for (const store of [failing, hanging]) {
    const options = { limit: 1, window: MINUTE, store, storeTimeout: 10 }
    const open = createApp(options)
    const strict = createApp({ ...options, passOnStoreError: false })
    const passing = await (await testClient(t, open.app)).get('/')
    const refused = await (await testClient(t, strict.app)).get('/')

    t.equal(`${passing.status} ${refused.status}`, '200 503')
    t.equal(`${open.lines.length} ${strict.lines.length}`, '1 1')
    t.match(open.lines[0], /A rate limit is not known: the request passes/)
  }
})

t.test('MemoryRateLimitStore remembers the last keys only, and forgets what counts no more', async t => {
  const store = new MemoryRateLimitStore({ maxKeys: 10 })
  const long = { limit: 1, window: MINUTE }
  for (let i = 0; i < 1000; i++) store.take(`long ${i}`, long)

  t.ok(store.size <= 10)
  t.notOk(store.take('long 999', long).isAllowed)
  t.ok(store.take('long 1', long).isAllowed)

  const brief = new MemoryRateLimitStore()
  for (let i = 0; i < 1000; i++) brief.take(`brief ${i}`, { limit: 1, window: 1 })
  const start = performance.now()
  while (brief.size > 2 && performance.now() - start < 5000) brief.take('last', { limit: 1, window: 1 })
  t.ok(brief.size <= 2)
  t.throws(() => new MemoryRateLimitStore({ maxKeys: 1 }), RangeError)
})

t.test('a client is its IPv4 address, or its IPv6 network', async t => {
  for (const [remote, key] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1::3:4:5:6:7:8', '1:0:3:4::/64'],
    [undefined, 'unknown'],
  ] as const) {
    t.equal(clientKey({ remote }), key, remote ?? 'nobody')
  }
})

t.test('limits and names that cannot be are refused', async t => {
  for (const [limit, window] of [
    [0, 1],
    [1.5, 10],
    [-1, 10],
    [NaN, 10],
    [1, 0],
    [1, NaN],
    [1, Infinity],
    [1001, 1],
  ] as const) {
    t.throws(() => rateLimit({ limit, window }), RangeError, `${limit} in ${window}`)
  }
  for (const name of ['', 'a b', 'a"', 'a:b'])
    t.throws(() => rateLimit({ limit: 1, window: 1, name }), TypeError)
})
