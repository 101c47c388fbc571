import { MemoryStore, SessionKey } from '@allium/sessions'
import type { ConcurrencyPolicy, Session } from '@allium/sessions'
import fc from 'fast-check'
import t from 'tap'

import { overEachStore } from './stores.ts'
import { Visitor } from './visitor.ts'

type Values = Record<string, number>

/** Something that a request does to a value. */
interface Change {
  readonly kind: 'set' | 'delete' | 'add' | 'clear'
  readonly name: 'a' | 'b'
  readonly amount: number
}

const keys = { a: new SessionKey<number>('a'), b: new SessionKey<number>('b') }

function perform(session: Session, { kind, name, amount }: Change): void {
  if (kind === 'set') session.set(keys[name], amount)
  else if (kind === 'delete') session.delete(keys[name])
  else if (kind === 'add') session.update(keys[name], (value = 0) => value + amount)
  else session.clear()
}

/** What a request has seen and done, in the plainest of words. */
class Model {
  readonly seen: Values
  readonly view: Values
  readonly done: Change[] = []
  /** Values that this request says outright, rather than working them out of the former ones. */
  readonly claims = new Set<string>()
  isChanged = false

  constructor(stored: Values) {
    this.seen = { ...stored }
    this.view = { ...stored }
  }

  perform(change: Change): void {
    const { kind, name } = change
    if (kind === 'delete' && !(name in this.view)) return
    this.isChanged = true
    this.done.push(change)
    if (kind === 'clear') for (const key of ['a', 'b']) this.claims.add(key)
    else if (kind !== 'add') this.claims.add(name)
    replay(this.view, change)
  }

  /** What is stored after this request, or `undefined` when it is refused. */
  save(stored: Values, isNewer: boolean, policy: ConcurrencyPolicy): Values | undefined {
    if (!this.isChanged) return stored
    if (isNewer && policy === 'fail') return undefined
    if (isNewer && policy === 'retry' && [...this.claims].some(key => stored[key] !== this.seen[key]))
      return undefined
    const result = { ...stored }
    for (const change of this.done) replay(result, change)
    return result
  }
}

function replay(values: Values, { kind, name, amount }: Change): void {
  if (kind === 'set') values[name] = amount
  else if (kind === 'delete') delete values[name]
  else if (kind === 'add') values[name] = (values[name] ?? 0) + amount
  else for (const key of Object.keys(values)) delete values[key]
}

const change = fc.record({
  kind: fc.constantFrom<Change['kind'][]>('set', 'set', 'delete', 'add', 'add', 'clear'),
  name: fc.constantFrom('a' as const, 'b' as const),
  amount: fc.integer({ min: 1, max: 9 }),
})
const requests = fc.array(fc.array(change, { maxLength: 4 }), { minLength: 2, maxLength: 4 })
const order = fc.array(fc.nat({ max: 3 }), { maxLength: 30 })

/** Whose turn it is: as the order says, and then whoever is left. Each request has one more turn than changes, and begins. */
function turns(changes: readonly (readonly Change[])[], order: readonly number[]): number[] {
  const left = changes.map(list => list.length + 2)
  const wanted = order.filter(index => index < left.length && left[index]!-- > 0)
  return [...wanted, ...left.flatMap((count, index) => Array<number>(Math.max(count, 0)).fill(index))]
}

overEachStore('requests at the same time', (t, tested) => {
  for (const policy of ['merge', 'retry', 'fail'] as const) {
    t.test(`lose nothing that "${policy}" promises, in whatever order they take turns (P41)`, async t => {
      const storage = await tested.create(t)
      const property = fc.asyncProperty(requests, order, async (changes, order) => {
        const visitor = new Visitor({ storage, concurrency: policy })
        const first = await visitor.begin()
        first.set(keys.a, 1)
        await visitor.end(first)
        let stored: Values = { a: 1 }
        let writes = 0
        const running = changes.map(list => ({ left: [...list], isOver: false }) as Running)

        for (const index of turns(changes, order)) {
          const request = running[index]!
          if (!request.session) {
            Object.assign(request, {
              session: await visitor.begin(),
              model: new Model(stored),
              since: writes,
            })
          } else if (request.left.length > 0) {
            const change = request.left.shift()!
            perform(request.session, change)
            request.model!.perform(change)
          } else {
            const after = request.model!.save(stored, writes > request.since!, policy)
            if ((await visitor.end(request.session)) !== (after !== undefined)) return false
            if (after && request.model!.isChanged) writes++
            stored = after ?? stored
          }
        }
        const last = await visitor.begin()
        return last.get(keys.a) === stored.a && last.get(keys.b) === stored.b
      })
      await fc.assert(property, { numRuns: tested.runs })
      t.pass()
    })
  }

  t.test('bring back nothing that has ended, in whatever order they take turns (P38)', async t => {
    const storage = await tested.create(t)
    const action = fc.constantFrom('set', 'renew', 'regenerate', 'sign in')
    const actions = fc.array(action, { minLength: 1, maxLength: 4 })
    const end = fc.constantFrom('destroy', 'destroy late', 'sign out everywhere')
    const property = fc.asyncProperty(actions, fc.nat(), end, async (actions, position, end) => {
      const visitor = new Visitor({ storage })
      const principal = `user ${Math.random()}`
      const first = await visitor.begin()
      first.principal = principal
      await visitor.end(first)
      const early = await Promise.all(actions.map(() => visitor.begin()))
      const ending = await visitor.begin()
      const at = position % (actions.length + 1)

      const act = async (index: number) => {
        const session = early[index]!
        if (session.isReadOnly) return
        if (actions[index] === 'set') session.set(keys.a, index)
        else if (actions[index] === 'renew') session.renew()
        else if (actions[index] === 'regenerate') session.regenerate()
        else session.principal = principal
        await visitor.end(session)
      }
      for (let index = 0; index < at; index++) await act(index)
      if (end === 'sign out everywhere') {
        await visitor.middleware.signOutEverywhere(principal)
      } else {
        const session = end === 'destroy' ? await visitor.begin() : ending
        session.destroy()
        await visitor.end(session)
      }
      const isGone = end !== 'destroy late' || !actions.slice(0, at).some(action => /regen|sign/.test(action))
      for (let index = at; index < actions.length; index++) await act(index)

      if (!isGone) return true
      for (const cookie of visitor.issued) if (!(await visitor.begin(cookie)).isNew) return false
      return (await visitor.middleware.list(principal)).length === 0
    })
    await fc.assert(property, { numRuns: tested.runs })
    t.pass()
  })

  t.test('lose no increment although all write the same value', async t => {
    const visitor = new Visitor({ storage: await tested.create(t) })
    const first = await visitor.begin()
    first.set(keys.a, 0)
    await visitor.end(first)

    const one = async () => {
      const session = await visitor.begin()
      session.update(keys.a, (count = 0) => count + 1)
      await visitor.end(session)
    }
    await Promise.all(Array.from({ length: 100 }, one))

    t.equal((await visitor.begin()).get(keys.a), 100)
  })

  t.test('refuse the value that two have changed in place, where "retry" says so', async t => {
    const list = new SessionKey<number[]>('list')
    const visitor = new Visitor({ storage: await tested.create(t), concurrency: 'retry' })
    const first = await visitor.begin()
    first.set(list, [1])
    await visitor.end(first)
    const [one, two, three] = [await visitor.begin(), await visitor.begin(), await visitor.begin()]
    one.get(list)!.push(2)
    two.get(list)!.push(3)
    three.set(keys.a, 1)

    t.equal(await visitor.end(one), true)
    t.equal(await visitor.end(two), false)
    t.equal(await visitor.end(three), true)
    t.same((await visitor.begin()).get(list), [1, 2])
  })
})

interface Running {
  readonly left: Change[]
  session?: Session
  model?: Model
  since?: number
}

void t.test('changes made while the session is being saved', async t => {
  /** Holds writes back until the test lets them go, or has them fail. */
  class SlowStore extends MemoryStore {
    gates: { open: () => void; fail: () => void }[] = []

    override replace(...args: Parameters<MemoryStore['replace']>): never {
      const gate = new Promise<void>((open, fail) =>
        this.gates.push({ open, fail: () => fail(new Error('down')) }),
      )
      return gate.then(() => super.replace(...args)) as never // as a store that answers later
    }

    async next() {
      while (this.gates.length === 0) await new Promise(resolve => setTimeout(resolve, 1))
      return this.gates.shift()!
    }
  }

  async function begin(): Promise<{ store: SlowStore; visitor: Visitor; session: Session }> {
    const store = new SlowStore()
    const visitor = new Visitor({ storage: store })
    const first = await visitor.begin()
    first.set(keys.a, 1)
    first.set(keys.b, 1)
    await visitor.end(first)
    return { store, visitor, session: await visitor.begin() }
  }

  const during: Record<string, { change: (session: Session) => void; expected: (number | undefined)[] }> = {
    'setting it again': { change: session => session.set(keys.a, 9), expected: [9, 1] },
    'working it out': {
      change: session => session.update(keys.a, (value = 0) => value + 10),
      expected: [12, 1],
    },
    'deleting it': { change: session => session.delete(keys.a), expected: [undefined, 1] },
    'clearing all': { change: session => session.clear(), expected: [undefined, undefined] },
    'setting another': { change: session => session.set(keys.b, 5), expected: [2, 5] },
  }
  const before: Record<string, (session: Session) => void> = {
    set: session => session.set(keys.a, 2),
    'worked out': session => session.update(keys.a, (value = 0) => value + 1),
  }

  for (const [first, make] of Object.entries(before)) {
    for (const [second, { change, expected }] of Object.entries(during)) {
      for (const isFailing of [false, true]) {
        t.test(
          `are kept: ${second} after it was ${first}${isFailing ? ', where that fails' : ''}`,
          async t => {
            const { store, visitor, session } = await begin()
            make(session)
            const saved = session.save()
            const gate = await store.next()
            change(session)
            if (isFailing) gate.fail()
            else gate.open()
            await saved.catch(() => {})

            const savedAgain = session.save()
            ;(await store.next()).open()
            await savedAgain

            const last = await visitor.begin()
            t.same([last.get(keys.a), last.get(keys.b)], expected)
          },
        )
      }
    }
  }

  t.test('are kept on what another request has stored at the same time', async t => {
    const { store, visitor, session } = await begin()
    const other = await visitor.begin()
    session.update(keys.a, (value = 0) => value + 1)
    other.set(keys.b, 7)
    const saves = [other.save(), session.save()]
    ;(await store.next()).open()
    const gate = await store.next()
    gate.open()
    const again = await store.next()
    session.update(keys.a, (value = 0) => value + 10)
    again.open()
    await Promise.all(saves)
    const last = session.save()
    ;(await store.next()).open()
    await last

    t.same([session.get(keys.a), session.get(keys.b)], [12, 7])
    const stored = await visitor.begin()
    t.same([stored.get(keys.a), stored.get(keys.b)], [12, 7])
  })

  t.test('after clearing all, where that fails, begin from nothing', async t => {
    const { store, visitor, session } = await begin()
    session.clear()
    const saved = session.save()
    const gate = await store.next()
    session.update(keys.a, (value = 0) => value + 5)
    gate.fail()
    await saved.catch(() => {})
    const again = session.save()
    ;(await store.next()).open()
    await again

    const last = await visitor.begin()
    t.same([last.get(keys.a), last.get(keys.b)], [5, undefined])
  })
})
