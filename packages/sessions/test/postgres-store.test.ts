import { MemoryStore } from '@allium/sessions'
import { PostgresStore } from '@allium/sessions/postgres'
import pg from 'pg'
import t from 'tap'

import { now, record } from './record.ts'
import { postgresUrl, skipPostgres } from './services.ts'
import { openPostgres } from './stores.ts'

void t.test('PostgresStore', { skip: skipPostgres }, async t => {
  t.test('makes its table once, however many processes ask at the same time', async t => {
    const { pool, table } = await openPostgres(t)
    await pool.query(`drop table ${table}`)
    const stores = Array.from({ length: 5 }, () => new PostgresStore(pool, { table }))

    await Promise.all(stores.map(store => store.migrate()))
    await stores[0]!.insert('a', { record, now })
    await stores[1]!.migrate()

    t.ok(await stores[2]!.read('a', now))
    t.match(stores[0]!.migration, `create table if not exists "${table}"`)
  })

  t.test('has a table in another schema where it is told so', async t => {
    const { pool, table } = await openPostgres(t)
    await pool.query(`create schema ${table}_schema`)
    t.teardown(async () => {
      const own = new pg.Client(postgresUrl)
      await own.connect()
      await own.query(`drop schema ${table}_schema cascade`)
      await own.end()
    })
    const store = new PostgresStore(pool, { table: `${table}_schema.kept` })
    await store.migrate()

    t.equal(await store.insert('a', { record, now }), true)
    t.equal((await pool.query(`select * from ${table}_schema.kept`)).rowCount, 1)
  })

  t.test('keeps values where SQL can look at them', async t => {
    const { pool, store, table } = await openPostgres(t)
    await store.insert('a', { record: { ...record, data: '{"cart":{"items":["x"]}}' }, now })

    const { rows } = await pool.query(`select data->'cart'->'items'->>0 as item from ${table}`)
    t.same(rows, [{ item: 'x' }])
  })

  t.test('removes what has expired as others are stored, and all of it when asked (P43)', async t => {
    const { pool, store, table } = await openPostgres(t)
    const expired = { ...record, expiresAt: now - 1 }
    for (let i = 0; i < 25; i++) await store.insert(`old ${i}`, { record: expired, now: now - 2 })
    const size = async () => Number((await pool.query(`select count(*) from ${table}`)).rows[0].count)

    await store.insert('new', { record, now })
    t.equal(await size(), 16)
    t.equal(await store.sweep(), 15)
    t.equal(await store.sweep(now), 0)
    t.ok(await store.read('new', now))
  })

  t.test('sweeps in several steps where there is much', async t => {
    const { pool, store, table } = await openPostgres(t)
    const columns = 'id, data, created_at, last_seen_at, expires_at, revision'
    await pool.query(`insert into ${table} (${columns})
      select 'old ' || i, '{}', 0, 0, 1, 1 from generate_series(1, 2500) i`)

    t.equal(await store.sweep(), 2500)
  })

  t.test('takes times that are no whole numbers, and such as never come', async t => {
    const { store } = await openPostgres(t)
    const times = { createdAt: now + 0.5, lastSeenAt: now + 0.5, expiresAt: 1e300 }
    await store.insert('a', { record: { ...record, ...times }, now: now + 0.25 })

    const stored = await store.read('a', now + 0.75)
    t.match(stored, { createdAt: now, lastSeenAt: now, expiresAt: Number.MAX_SAFE_INTEGER })
  })

  t.test('refuses tables that are none (P43)', async () => {
    const pool = new pg.Pool({ connectionString: postgresUrl })
    for (const table of ['', 'A', 'a b', 'a;', '"a"', 'a.b.c', '.a', '1a', 'a'.repeat(51)]) {
      t.throws(() => new PostgresStore(pool, { table }), TypeError)
    }
    await pool.end()
  })

  t.test('passes on what the server says', async t => {
    const { pool, store, table } = await openPostgres(t)
    await pool.query(`drop table ${table}`)

    await t.rejects(store.read('a', now), /does not exist/)
    await t.rejects(store.insert('a', { record, now }), /does not exist/)
    await t.rejects(store.deleteAll('ada'), /does not exist/)
  })

  t.test('gives the same as a MemoryStore, with another order of keys at most', async t => {
    const { store } = await openPostgres(t)
    const memory = new MemoryStore()
    const data = JSON.stringify({ zz: [1, 2.5, -0, 1e21], a: { b: null }, é: '"\\u0000\\', '': true })
    for (const each of [store, memory]) await each.insert('a', { record: { ...record, data }, now })

    const [stored, expected] = [await store.read('a', now), memory.read('a', now)]
    t.same(JSON.parse(stored!.data), JSON.parse(expected!.data))
    t.same({ ...stored, data: '' }, { ...expected, data: '' })
  })
})
