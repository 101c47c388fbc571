import { UnstorageStore } from '@allium/sessions/unstorage'
import t from 'tap'
import { createStorage } from 'unstorage'
import memoryDriver from 'unstorage/drivers/memory'

import { now, record as adasRecord } from './record.ts'

const record = { ...adasRecord, data: '{"a":1,"__proto__":2}' }

void t.test('UnstorageStore', async t => {
  t.test('is atomic in one process only: of two, the last write wins', async t => {
    const storage = createStorage()
    const [first, second] = [new UnstorageStore(storage), new UnstorageStore(storage)]
    await first.insert('a', { record, now })
    const write = (store: UnstorageStore, name: string) =>
      store.replace('a', { record: { ...record, data: `{"by":"${name}"}` }, revision: 1, now })

    const sameProcess = await Promise.all([write(first, 'x'), write(first, 'y')])
    t.same(
      sameProcess.map(({ isWritten }) => isWritten),
      [true, false],
    )
    await first.delete('a')
    await first.insert('a', { record, now })
    const twoProcesses = await Promise.all([write(first, 'x'), write(second, 'y')])
    t.same(
      twoProcesses.map(({ isWritten }) => isWritten),
      [true, true],
    )
  })

  t.test('makes keys of what it is told and digests, and tells drivers when they expire (P43)', async t => {
    const set: unknown[] = []
    const driver = memoryDriver()
    const setItem = (key: string, value: string, options: { ttl?: number }) => {
      set.push([key, options.ttl])
      return driver.setItem!(key, value, options)
    }
    const store = new UnstorageStore(createStorage({ driver: { ...driver, setItem } }), { base: 'shop' })

    await store.insert('id', { record: { ...record, principal: '../ada:*' }, now })

    t.match(set, [
      [/^shop:principal:[\w-]{43}:id$/, 60],
      ['shop:record:id', 60],
    ])
  })

  t.test('removes all that has expired when asked (P43)', async t => {
    const storage = createStorage()
    const store = new UnstorageStore(storage)
    await store.insert('old', { record: { ...record, expiresAt: now - 1 }, now: now - 2 })
    await store.insert('new', { record, now })

    t.equal(await store.sweep(), 1)
    t.equal(await store.sweep(now), 0)
    const keys = await storage.getKeys()
    t.equal(keys.length, 2)
    t.ok(keys.every(key => key.endsWith(':new')))
  })

  t.test('finds no session in what it has not written', async t => {
    const storage = createStorage()
    const store = new UnstorageStore(storage)
    for (const value of ['', 's', 's{', '{}', { data: '{}' }, 7]) {
      await storage.setItem('session:record:a', value)
      t.equal(await store.read('a', now), undefined)
    }
  })

  t.test('comes to an end where a driver goes on naming keys that are gone', async t => {
    const storage = createStorage()
    const names = new Set<string>()
    const stale = {
      getItem: (key: string) => storage.getItem(key),
      removeItem: (key: string) => storage.removeItem(key),
      setItem: (key: string, value: string) => (names.add(key), storage.setItem(key, value)),
      getKeys: async (base: string) => [...names].filter(name => name.startsWith(base)),
    }
    const store = new UnstorageStore(stale)
    for (const id of ['a', 'b']) await store.insert(id, { record, now })

    t.equal(await store.deleteAll('ada'), 2)
    t.equal(await store.deleteAll('ada'), 0)
    t.same(await store.list('ada', now), [])
    t.equal(await store.sweep(), 0)
  })

  t.test('refuses a base that is none', async t => {
    for (const base of ['', 'a:b', 'a/b', '*']) {
      t.throws(() => new UnstorageStore(createStorage(), { base }), TypeError)
    }
  })
})
