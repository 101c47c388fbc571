import { randomUUID } from 'node:crypto'

import { MemoryStore } from '@allium/sessions'
import type { SessionStore } from '@allium/sessions'
import { PostgresStore } from '@allium/sessions/postgres'
import { RedisStore } from '@allium/sessions/redis'
import { SqliteStore } from '@allium/sessions/sqlite'
import { UnstorageStore } from '@allium/sessions/unstorage'
import { Redis } from 'ioredis'
import Database from 'libsql'
import pg from 'pg'
import { createClient } from 'redis'
import t from 'tap'
import type { Test } from 'tap'
import { createStorage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs'

import { openNodeSqlite } from './node-sqlite.ts'
import { postgresUrl, redisUrl, skipPostgres, skipRedis } from './services.ts'

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
  {
    name: 'PostgresStore over pg',
    skip: skipPostgres,
    runs: 20,
    create: async t => (await openPostgres(t)).store,
  },
  ...(openNodeSqlite ? [overNodeSqlite(openNodeSqlite)] : []), // Node 20 has none
  {
    name: 'SqliteStore over libsql, which is called as better-sqlite3',
    skip: false,
    runs: 100,
    async create(t) {
      const database = new Database(':memory:')
      t.teardown(() => void database.close())
      return new SqliteStore(database)
    },
  },
  {
    name: 'UnstorageStore over memory',
    skip: false,
    runs: 100,
    create: async () => new UnstorageStore(createStorage()),
  },
  {
    name: 'UnstorageStore over files',
    skip: false,
    runs: 10,
    create: async t => new UnstorageStore(createStorage({ driver: fsDriver({ base: t.testdir() }) })),
  },
]

function overNodeSqlite(open: typeof openNodeSqlite & {}): TestedStore {
  return {
    name: 'SqliteStore over node:sqlite',
    skip: false,
    runs: 100,
    async create(t) {
      const database = open(':memory:')
      t.teardown(() => database.close())
      return new SqliteStore(database)
    },
  }
}

/** A store on a table of its own. */
export async function openPostgres(t: Test): Promise<{ pool: pg.Pool; store: PostgresStore; table: string }> {
  const pool = new pg.Pool({ connectionString: postgresUrl })
  const table = `sessions_${randomUUID().replaceAll('-', '')}`
  const store = new PostgresStore(pool, { table })
  await store.migrate()
  t.teardown(async () => {
    await pool.query(`drop table if exists ${table}`)
    await pool.end()
  })
  return { pool, store, table }
}

/** Runs the same tests on every store: they have to agree. */
export function overEachStore(name: string, fn: (t: Test, store: TestedStore) => void): void {
  for (const store of stores) {
    void t.test(`${name} in ${store.name}`, { skip: store.skip }, async t => fn(t, store))
  }
}
