import { randomUUID } from 'node:crypto'

import { Application, createLogger } from '@allium/core'
import { MemoryBackplane } from '@allium/ws'
import type { Backplane } from '@allium/ws'
import { testBackplane } from '@allium/ws/backplane-contract'
import { PostgresBackplane } from '@allium/ws/postgres'
import { RedisBackplane } from '@allium/ws/redis'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { createClient } from 'redis'
import t from 'tap'
import type { Test } from 'tap'

import { postgresUrl, redisUrl, skipPostgres, skipRedis } from './services.ts'

const logger = createLogger('error', () => {})

t.test('MemoryBackplane', async t => {
  contract(t, () => new MemoryBackplane())
})

t.test('RedisBackplane over ioredis', { skip: skipRedis }, async t => {
  const client = new Redis(redisUrl)
  t.teardown(() => client.disconnect())
  contract(t, () => new RedisBackplane({ client }))
  t.test('comes back when it has lost its connection', t =>
    comesBack(t, new RedisBackplane({ client, prefix: randomUUID() }), async () => {
      await client.call('client', 'kill', 'type', 'pubsub')
    }),
  )
})

t.test('RedisBackplane over redis', { skip: skipRedis }, async t => {
  const client = createClient({ url: redisUrl })
  await client.connect()
  t.teardown(() => client.destroy())
  contract(t, () => new RedisBackplane({ client }))
  t.test('comes back when it has lost its connection', t =>
    comesBack(t, new RedisBackplane({ client, prefix: randomUUID() }), async () => {
      await client.sendCommand(['client', 'kill', 'type', 'pubsub'])
    }),
  )
})

t.test('PostgresBackplane', { skip: skipPostgres }, async t => {
  const pool = new Pool({ connectionString: postgresUrl })
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  contract(t, () => new PostgresBackplane({ pool, channel: randomUUID() }))

  t.test('comes back when it has lost its connection', async t => {
    const channel = `odd "name" ${randomUUID()}`.slice(0, 63)
    await comesBack(t, new PostgresBackplane({ pool, channel }), async () => {
      await endListeners(pool, 'odd')
    })
  })

  t.test('tries again for as long as there is no database, and stops when it is closed', async t => {
    let isDown = false
    let attempts = 0
    const flaky = {
      query: (text: string, values: unknown[]) => pool.query(text, values),
      connect: async () => {
        attempts++
        if (isDown) throw new Error('no database')
        return pool.connect()
      },
    }
    const channel = `flaky ${randomUUID()}`
    const { link, gaps } = await connect(t, new PostgresBackplane({ pool: flaky, channel }))
    isDown = true
    await endListeners(pool, 'flaky')
    while (attempts < 4) await pause()
    isDown = false
    while (gaps.length === 0) await pause()

    isDown = true
    await endListeners(pool, 'flaky')
    while (attempts < 6) await pause()
    await link.close()
    const before = attempts
    await pause(500)
    t.equal(attempts, before)
  })

  for (const [outcome, settle] of [
    ['succeeds', () => pool.connect()],
    ['fails', () => Promise.reject(new Error('no database'))],
  ] as const) {
    t.test(`keeps nothing when it is closed before another attempt ${outcome}`, async t => {
      const attempts: (() => void)[] = []
      let isSlow = false
      const slow = {
        query: (text: string, values: unknown[]) => pool.query(text, values),
        connect: async () => {
          if (!isSlow) return pool.connect()
          await new Promise<void>(resolve => attempts.push(resolve))
          return settle()
        },
      }
      const channel = `slow ${randomUUID()}`
      const { link, gaps } = await connect(t, new PostgresBackplane({ pool: slow, channel }))
      isSlow = true
      await endListeners(pool, 'slow')
      while (attempts.length === 0) await pause()

      await link.close()
      attempts[0]?.()
      await pause(500)

      t.same([attempts.length, gaps, pool.totalCount - pool.idleCount], [1, [], 0])
    })
  }

  t.test('ignores what is no message of channels', async t => {
    const name = randomUUID()
    const { link, received } = await connect(t, new PostgresBackplane({ pool, channel: name }))
    await link.subscribe('news')

    await pool.query(`notify "${name}"`)
    await pool.query(`notify "${name}", 'something else'`)
    await link.publish('news', 'hello')

    while (received.length === 0) await pause()
    t.same(received, ['hello'])
  })

  t.test('fails where its first connection fails', async t => {
    const broken = { query: () => Promise.reject(new Error('no')), release: () => {}, on: () => {} }
    const none = { query: () => Promise.reject(new Error('no')), connect: async () => broken }

    await t.rejects(connect(t, new PostgresBackplane({ pool: none })), { message: 'no' })
  })
})

function contract(t: Test, create: () => Backplane): void {
  testBackplane((name, run) => void t.test(name, run), create)
}

async function connect(t: Test, backplane: Backplane) {
  const received: string[] = []
  const gaps: string[] = []
  const { clock } = new Application()
  const link = await backplane.connect({
    clock,
    logger,
    onMessage: (_channel, message) => received.push(message),
    onGap: () => gaps.push('gap'),
  })
  t.teardown(() => link.close())
  return { link, received, gaps }
}

/** What is published once the gap was told of arrives again. */
async function comesBack(t: Test, backplane: Backplane, cut: () => Promise<void>): Promise<void> {
  const { link, received, gaps } = await connect(t, backplane)
  await link.subscribe('news')
  await link.publish('news', 'before')
  while (received.length < 1) await pause()

  await cut()
  while (gaps.length < 1) await pause()
  await link.publish('news', 'after')
  while (received.length < 2) await pause()

  t.same(received, ['before', 'after'])
  t.same(gaps, ['gap'])
}

/** Ends the connections that listen to channels of such a name. */
async function endListeners(pool: Pool, prefix: string): Promise<void> {
  await pool.query('select pg_terminate_backend(pid) from pg_stat_activity where query like $1', [
    `listen "${prefix}%`,
  ])
}

function pause(milliseconds = 10): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
