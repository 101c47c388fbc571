import { randomUUID } from 'node:crypto'

import { MemoryStore } from '@allium/sessions'
import type { SessionStore } from '@allium/sessions'
import { RedisStore } from '@allium/sessions/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t from 'tap'
import type { Test } from 'tap'

import { redisUrl, skipRedis } from './services.ts'

/** A store that tests run on. */
export interface TestedStore {
  readonly name: string
  /** Why it cannot be tested here. */
  readonly skip: string | false
  /** How often a property is tried on it. */
  readonly runs: number
  create(t: Test): Promise<SessionStore>
}

/** Every store, on the servers that there are. */
export const stores: readonly TestedStore[] = [
  { name: 'MemoryStore', skip: false, runs: 200, create: async () => new MemoryStore() },
  {
    name: 'RedisStore over ioredis',
    skip: skipRedis,
    runs: 40,
    async create(t) {
      const client = new Redis(redisUrl)
      t.teardown(async () => void (await client.quit()))
      return new RedisStore(client, { prefix: `allium:${randomUUID()}` })
    },
  },
  {
    name: 'RedisStore over redis',
    skip: skipRedis,
    runs: 20,
    async create(t) {
      const client = createClient({ url: redisUrl })
      await client.connect()
      t.teardown(() => client.close())
      return new RedisStore(client, { prefix: `allium:${randomUUID()}` })
    },
  },
]

/** Runs the same tests on every store: they have to agree. */
export function overEachStore(name: string, fn: (t: Test, store: TestedStore) => void): void {
  for (const store of stores) {
    void t.test(`${name} in ${store.name}`, { skip: store.skip }, async t => fn(t, store))
  }
}
