import assert from 'node:assert/strict'

import type { Awaitable } from '@allium/core'

import type { SessionRecord, SessionStore } from './session-store.ts'
import { createToken, idOfToken } from './session-token.ts'

/** Registers a test: `test` of `node:test`, vitest or jest, or that of tap wrapped. */
export type RegisterTest = (name: string, run: () => Promise<void>) => unknown

/** Makes the store that a test is about. */
export type CreateStore = () => Awaitable<SessionStore>

interface ContractTest {
  readonly name: string
  readonly run: (store: SessionStore) => Promise<void>
}

const MINUTE = 60_000
const ROUNDS = 20
const ODD_PRINCIPALS = ['__proto__', 'a:b', '{a}', "'; drop table x; --", 'ключ', '*', 'a'.repeat(256)]
const ODD_VALUES = {
  text: 'naïve 🦊 " \\ \u2028 \0 \ud800 \u001b \\u0000 \u001b0000',
  'key \0 \udfff': 1,
  numbers: [0, -1.5, 1e-7, Number.MAX_SAFE_INTEGER, 1e300],
  nested: { empty: {}, list: [null, true, [[]]] },
  constructor: { prototype: 'x' },
}

/**
 * Registers the tests that every {@link SessionStore} has to pass. They use ids of their own, so the store may hold other
 * sessions and be shared between tests.
 *
 * @example
 * ```ts
 * import { MemoryStore } from '@allium/sessions'
 * import { testSessionStore } from '@allium/sessions/store-contract'
 * import t from 'tap'
 *
 * testSessionStore(
 *   (name, run) => void t.test(name, run),
 *   () => new MemoryStore(),
 * )
 * ```
 */
export function testSessionStore(test: RegisterTest, createStore: CreateStore): void {
  for (const { name, run } of CONTRACT) test(name, async () => run(await createStore()))
}

const CONTRACT: readonly ContractTest[] = [
  {
    name: 'gives back what was inserted, as revision 1',
    async run(store) {
      const { id, record, now } = await insert(store, { renewedFrom: newId(), principal: newId() })

      assert.deepEqual(await readable(store, id, now), { ...record, revision: 1, renewedTo: undefined })
      assert.equal(await store.read(newId(), now), undefined)
    },
  },
  {
    name: 'keeps every JSON value as it is',
    async run(store) {
      const text = `${JSON.stringify(ODD_VALUES).slice(0, -1)},"__proto__":{"polluted":true}}`
      const { id, now, record } = await insert(store, { data: text })

      assert.deepEqual(JSON.parse((await store.read(id, now))!.data), JSON.parse(text))
      await store.replace(id, { record: { ...record, data: text }, revision: 1, now })
      assert.deepEqual(JSON.parse((await store.read(id, now))!.data), JSON.parse(text))
      assert.equal((Object.prototype as { polluted?: boolean }).polluted, undefined)
    },
  },
  {
    name: 'does not insert under an id that is in use',
    async run(store) {
      const { id, record, now } = await insert(store, { data: '{"a":1}' })

      assert.equal(await store.insert(id, { record: { ...record, data: '{}' }, now }), false)
      assert.deepEqual(JSON.parse((await store.read(id, now))!.data), { a: 1 })
    },
  },
  {
    name: 'replaces a record of the expected revision, and counts',
    async run(store) {
      const { id, record, now } = await insert(store)
      const next = { ...record, data: '{"b":2}', lastSeenAt: now + 5, expiresAt: now + 2 * MINUTE }

      assert.deepEqual(await written(store.replace(id, { record: next, revision: 1, now })), true)
      assert.deepEqual(await readable(store, id, now), { ...next, revision: 2, renewedTo: undefined })
    },
  },
  {
    name: 'refuses to replace another revision, and gives the current record',
    async run(store) {
      const { id, record, now } = await insert(store)
      await store.replace(id, { record: { ...record, data: '{"first":1}' }, revision: 1, now })

      const { isWritten, current } = await store.replace(id, { record, revision: 1, now })

      assert.equal(isWritten, false)
      assert.equal(current?.revision, 2)
      assert.deepEqual(JSON.parse(current.data), { first: 1 })
      assert.deepEqual(JSON.parse((await store.read(id, now))!.data), { first: 1 })
    },
  },
  {
    name: 'has nothing to replace, move, touch or delete where nothing is',
    async run(store) {
      const { record, now } = await insert(store)
      const change = { record, revision: 1, now }
      const gone = newId()

      for (const result of [
        await store.replace(gone, change),
        await store.move(gone, { ...change, to: newId(), graceUntil: undefined }),
      ]) {
        assert.equal(result.isWritten, false)
        assert.equal(result.current, undefined)
      }
      assert.equal(await store.touch(gone, { lastSeenAt: now, expiresAt: now + MINUTE, now }), false)
      assert.equal(await store.delete(gone), undefined)
      assert.equal(await store.read(gone, now), undefined)
    },
  },
  {
    name: 'never brings back what was deleted',
    async run(store) {
      const { id, record, now } = await insert(store)
      const to = newId()
      assert.equal((await store.delete(id))?.revision, 1)

      assert.equal(await written(store.replace(id, { record, revision: 1, now })), false)
      assert.equal(
        await written(store.move(id, { record, revision: 1, now, to, graceUntil: undefined })),
        false,
      )
      assert.equal(await store.touch(id, { lastSeenAt: now, expiresAt: now + MINUTE, now }), false)
      assert.equal(await store.read(id, now), undefined)
      assert.equal(await store.read(to, now), undefined)
    },
  },
  {
    name: 'treats what has expired as if it were not there',
    async run(store) {
      const principal = newId()
      const { id, record } = await insert(store, { principal })
      const now = record.expiresAt
      const change = { record: { ...record, expiresAt: now + MINUTE }, revision: 1, now }

      assert.ok(await store.read(id, now - 1))
      assert.equal(await store.read(id, now), undefined)
      assert.deepEqual(await store.list(principal, now), [])
      assert.equal(await written(store.replace(id, change)), false)
      assert.equal(await written(store.move(id, { ...change, to: newId(), graceUntil: undefined })), false)
      assert.equal(await store.touch(id, { lastSeenAt: now, expiresAt: now + MINUTE, now }), false)
    },
  },
  {
    name: 'moves a record and leaves nothing behind without a grace',
    async run(store) {
      const { id, record, now } = await insert(store, { principal: newId() })
      const to = newId()
      const next = { ...record, data: '{"moved":true}' }

      assert.equal(
        await written(store.move(id, { record: next, revision: 1, now, to, graceUntil: undefined })),
        true,
      )
      assert.equal(await store.read(id, now), undefined)
      assert.deepEqual(await readable(store, to, now), { ...next, revision: 1, renewedTo: undefined })
    },
  },
  {
    name: 'leaves the old record behind for a grace: readable as it was, never written, not listed',
    async run(store) {
      const principal = newId()
      const { id, record, now } = await insert(store, { principal, data: '{"old":1}' })
      const to = newId()
      const next = { ...record, data: '{"new":1}', renewedFrom: id }
      const graceUntil = now + MINUTE / 2
      await store.move(id, { record: next, revision: 1, now, to, graceUntil })

      const left = (await store.read(id, now))!
      assert.deepEqual(JSON.parse(left.data), { old: 1 })
      assert.equal(left.renewedTo, to)
      assert.equal(await store.read(id, graceUntil), undefined)
      const change = { record, revision: left.revision, now }
      const replaced = await store.replace(id, change)
      assert.equal(replaced.isWritten, false)
      assert.equal(replaced.current?.renewedTo, to)
      assert.equal(await written(store.move(id, { ...change, to: newId(), graceUntil })), false)
      assert.equal(await store.touch(id, { lastSeenAt: now, expiresAt: now + MINUTE, now }), false)
      assert.deepEqual(
        (await store.list(principal, now)).map(({ id }) => id),
        [to],
      )
      assert.equal((await store.delete(id))?.renewedTo, to)
    },
  },
  {
    name: 'refuses to move another revision, and gives the current record',
    async run(store) {
      const { id, record, now } = await insert(store)
      await store.replace(id, { record, revision: 1, now })
      const to = newId()

      const result = await store.move(id, { record, revision: 1, now, to, graceUntil: undefined })

      assert.equal(result.isWritten, false)
      assert.equal(result.current?.revision, 2)
      assert.equal(await store.read(to, now), undefined)
    },
  },
  {
    name: 'touches a record of any revision without changing it',
    async run(store) {
      const { id, record, now } = await insert(store, { principal: newId() })
      const times = { lastSeenAt: now + 10, expiresAt: now + 3 * MINUTE }

      assert.equal(await store.touch(id, { ...times, now }), true)

      const expected = { ...record, ...times, revision: 1, renewedTo: undefined }
      assert.deepEqual(await readable(store, id, now), expected)
      assert.ok(await store.read(id, now + 2 * MINUTE))
      assert.deepEqual(await store.list(record.principal!, now + 2 * MINUTE), [
        { id, createdAt: record.createdAt, ...times },
      ])
    },
  },
  {
    name: 'lists and deletes by principal, whatever its name',
    async run(store) {
      const suffix = newId()
      for (const principal of [
        ...ODD_PRINCIPALS.slice(0, -1).map(name => name + suffix),
        'a'.repeat(213) + suffix,
      ]) {
        const [first, second] = [await insert(store, { principal }), await insert(store, { principal })]
        const other = await insert(store, { principal: `${newId()}x` })
        const { now } = second

        const ids = (await store.list(principal, now)).map(({ id }) => id)
        assert.deepEqual(ids.sort(), [first.id, second.id].sort())
        assert.equal(await store.deleteAll(principal), 2)
        assert.deepEqual(await store.list(principal, now), [])
        assert.equal(await store.read(first.id, now), undefined)
        assert.ok(await store.read(other.id, now))
        assert.equal(await store.deleteAll(principal), 0)
      }
    },
  },
  {
    name: 'spares one record when it deletes the others of a principal',
    async run(store) {
      const principal = newId()
      const [kept, other] = [await insert(store, { principal }), await insert(store, { principal })]

      assert.equal(await store.deleteAll(principal, kept.id), 1)

      assert.ok(await store.read(kept.id, kept.now))
      assert.equal(await store.read(other.id, other.now), undefined)
    },
  },
  {
    name: 'finds a record by the principal that it has now',
    async run(store) {
      const [former, latter] = [newId(), newId()]
      const { id, record, now } = await insert(store, { principal: former })
      await store.replace(id, { record: { ...record, principal: latter }, revision: 1, now })

      assert.deepEqual(await store.list(former, now), [])
      assert.equal((await store.list(latter, now)).length, 1)
      assert.equal(await store.deleteAll(former), 0)
      assert.ok(await store.read(id, now))
      assert.equal(await store.deleteAll(latter), 1)
    },
  },
  {
    name: 'deletes what a move has left behind along with the other sessions of the principal',
    async run(store) {
      const principal = newId()
      const { id, record, now } = await insert(store, { principal })
      const to = newId()
      await store.move(id, { record, revision: 1, now, to, graceUntil: now + MINUTE })

      await store.deleteAll(principal)

      assert.equal(await store.read(id, now), undefined)
      assert.equal(await store.read(to, now), undefined)
    },
  },
  {
    name: 'lets one of many writes of the same revision through',
    async run(store) {
      const { id, record, now } = await insert(store)
      const writes = Array.from({ length: 10 }, async (_, index) =>
        index % 2 === 0
          ? store.replace(id, { record: { ...record, data: `{"writer":${index}}` }, revision: 1, now })
          : store.move(id, { record, revision: 1, now, to: newId(), graceUntil: now + MINUTE }),
      )

      const results = await Promise.all(writes)

      assert.equal(results.filter(({ isWritten }) => isWritten).length, 1)
    },
  },
  {
    name: 'leaves no session of a principal that is signed out while it is moved',
    async run(store) {
      for (let round = 0; round < ROUNDS; round++) {
        const principal = newId()
        const { id, record, now } = await insert(store, { principal })
        const to = newId()
        const graceUntil = round % 2 === 0 ? undefined : now + MINUTE
        const move = async () => store.move(id, { record, revision: 1, now, to, graceUntil })
        const signOut = async () => store.deleteAll(principal)

        await Promise.all(round % 4 < 2 ? [move(), signOut()] : [signOut(), move()])

        assert.equal(await store.read(id, now), undefined)
        assert.equal(await store.read(to, now), undefined)
        assert.deepEqual(await store.list(principal, now), [])
      }
    },
  },
]

interface Inserted {
  readonly id: string
  readonly record: SessionRecord
  readonly now: number
}

async function insert(store: SessionStore, parts: Partial<SessionRecord> = {}): Promise<Inserted> {
  const now = Date.now()
  const record: SessionRecord = {
    data: '{"a":1}',
    principal: undefined,
    createdAt: now - 1000,
    lastSeenAt: now,
    expiresAt: now + MINUTE,
    renewedFrom: undefined,
    ...parts,
  }
  const id = newId()
  assert.equal(await store.insert(id, { record, now }), true)
  return { id, record, now }
}

/** The record with its text spelt as `JSON.stringify` spells it: stores may keep it otherwise. */
async function readable(store: SessionStore, id: string, now: number): Promise<object | undefined> {
  const found = await store.read(id, now)
  return found && { ...found, data: JSON.stringify(JSON.parse(found.data)) }
}

async function written(result: ReturnType<SessionStore['replace']>): Promise<boolean> {
  return (await result).isWritten
}

function newId(): string {
  return idOfToken(createToken())
}
