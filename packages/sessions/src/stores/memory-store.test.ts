import t from 'tap'

import type { SessionRecord } from '../session-store.ts'
import { testSessionStore } from '../store-contract.ts'
import { MemoryStore } from './memory-store.ts'

const record: SessionRecord = {
  data: '{}',
  principal: undefined,
  createdAt: 0,
  lastSeenAt: 0,
  expiresAt: 1000,
  renewedFrom: undefined,
}

void t.test('MemoryStore', async t => {
  testSessionStore(
    (name, run) => void t.test(name, run),
    () => new MemoryStore(),
  )

  t.test('keeps so many sessions, and lets go of what was written longest ago (P43)', async t => {
    const store = new MemoryStore({ maxSessions: 3 })
    for (const id of ['a', 'b', 'c']) store.insert(id, { record, now: 0 })
    store.touch('a', { lastSeenAt: 1, expiresAt: 1000, now: 0 })
    store.insert('d', { record, now: 0 })

    t.equal(store.size, 3)
    t.equal(store.read('b', 0), undefined)
    t.ok(store.read('a', 0))
  })

  t.test('removes what has expired as others are written (P43)', async t => {
    const store = new MemoryStore()
    for (let i = 0; i < 500; i++) store.insert(`old ${i}`, { record: { ...record, principal: 'a' }, now: 0 })
    for (let i = 0; i < 500; i++)
      store.insert(`new ${i}`, { record: { ...record, expiresAt: 3000 }, now: 2000 })

    t.equal(store.size, 500)
    t.equal(store.deleteAll('a'), 0)
  })

  t.test('refuses a number of sessions that is none', async t => {
    for (const maxSessions of [0, -1, 1.5, NaN, Infinity])
      t.throws(() => new MemoryStore({ maxSessions }), RangeError)
  })
})
