import { join } from 'node:path'

import { SqliteStore } from '@allium/sessions/sqlite'
import type { SqliteSessionDatabase } from '@allium/sessions/sqlite'
import Database from 'libsql'
import t from 'tap'
import type { Test } from 'tap'

import { openNodeSqlite } from './node-sqlite.ts'
import type { TestDatabase } from './node-sqlite.ts'
import { MINUTE, now, record } from './record.ts'

const libraries: Record<string, (path: string) => TestDatabase> = {
  libsql: path => new Database(path),
  ...(openNodeSqlite && { 'node:sqlite': openNodeSqlite }),
}

for (const [name, open] of Object.entries(libraries)) {
  void t.test(`SqliteStore over ${name}`, async t => {
    const openFor = (t: Test, path = ':memory:') => {
      const database = open(path)
      t.teardown(() => database.close())
      return database
    }

    t.test('keeps no more than it should, and lets those go that would have expired first (P43)', async t => {
      for (const maxSessions of [1, 7, 200]) {
        const database = openFor(t)
        const store = new SqliteStore(database, { maxSessions })
        for (let i = 0; i < 500; i++) {
          store.insert(`${i}`, { record: { ...record, expiresAt: now + MINUTE + i }, now })
          if (sizeOf(database) > maxSessions) t.fail(`keeps ${sizeOf(database)} of ${maxSessions}`)
        }
        t.ok(store.read('499', now))
        t.equal(store.read('100', now), undefined)
        t.ok(sizeOf(database) > maxSessions * 0.98 - 1)
      }
    })

    t.test('counts again what was removed meanwhile', async t => {
      const database = openFor(t)
      const store = new SqliteStore(database, { maxSessions: 10 })
      for (let i = 0; i < 10; i++) store.insert(`${i}`, { record, now })
      store.deleteAll('ada')
      for (let i = 0; i < 10; i++) store.insert(`again ${i}`, { record, now })

      t.equal(sizeOf(database), 10)
    })

    t.test('removes what has expired as others are stored, and all of it when asked (P43)', async t => {
      const database = openFor(t)
      const store = new SqliteStore(database)
      for (let i = 0; i < 25; i++) {
        store.insert(`old ${i}`, { record: { ...record, expiresAt: now - 1 }, now: now - 2 })
      }

      store.insert('new', { record, now })
      t.equal(sizeOf(database), 16)
      t.equal(store.sweep(), 15)
      t.equal(store.sweep(now), 0)
      t.ok(store.read('new', now))
    })

    t.test('leaves nothing half done when a step fails, and goes on', async t => {
      const database = openFor(t)
      const store = new SqliteStore(database)
      store.insert('a', { record, now })
      database.exec(`create trigger refusal before insert on allium_sessions when new.principal = 'eve'
        begin select raise(abort, 'not her'); end`)
      const stolen = { record: { ...record, principal: 'eve' }, revision: 1, to: 'b', now }

      t.throws(() => store.move('a', { ...stolen, graceUntil: undefined }), /not her/)
      t.match(store.read('a', now), { revision: 1, principal: 'ada' })
      t.equal(store.replace('a', { record, revision: 1, now }).isWritten, true)
    })

    t.test('shares a file with others, and finds again what was stored before', async t => {
      const path = join(t.testdir(), 'sessions.db')
      const [first, second] = [new SqliteStore(openFor(t, path)), new SqliteStore(openFor(t, path))]
      first.insert('a', { record, now })

      t.equal(second.replace('a', { record, revision: 1, now }).isWritten, true)
      t.match(first.replace('a', { record, revision: 1, now }), {
        isWritten: false,
        current: { revision: 2 },
      })
      t.match(new SqliteStore(openFor(t, path)).read('a', now), { revision: 2 })
    })

    t.test('fails while another holds the file locked, and goes on afterwards', async t => {
      const path = join(t.testdir(), 'sessions.db')
      const [database, other] = [openFor(t, path), openFor(t, path)]
      const store = new SqliteStore(database)
      database.exec('pragma busy_timeout = 10')
      other.exec('begin exclusive')

      t.throws(() => store.insert('a', { record, now }), /locked/)
      other.exec('rollback')
      t.equal(store.insert('a', { record, now }), true)
    })

    t.test('takes times that are no whole numbers, and such as never come', async t => {
      const store = new SqliteStore(openFor(t))
      store.insert('a', { record: { ...record, createdAt: now + 0.5, expiresAt: 1e300 }, now: now + 0.5 })

      const stored = store.read('a', now + 0.75)
      t.match(stored, { createdAt: now, expiresAt: Number.MAX_SAFE_INTEGER })
    })

    t.test('refuses tables that are none, and sizes that make no sense (P43)', async t => {
      const database = openFor(t)
      for (const table of ['', 'A', 'a b', 'a;', '"a"', 'a.b', '1a', 'a'.repeat(51)]) {
        t.throws(() => new SqliteStore(database, { table }), TypeError)
      }
      for (const maxSessions of [0, -1, 1.5, NaN, Infinity]) {
        t.throws(() => new SqliteStore(database, { maxSessions }), RangeError)
      }
    })
  })
}

function sizeOf(database: SqliteSessionDatabase): number {
  return (database.prepare('select count(*) as count from allium_sessions').get() as { count: number }).count
}
