import { MemoryStore } from '@allium/sessions'
import type { SessionStore } from '@allium/sessions'
import t from 'tap'
import type { Test } from 'tap'

/** A store that tests run on. */
export interface TestedStore {
  readonly name: string
  /** Why it cannot be tested here. */
  readonly skip: string | false
  /** How often a property is tried on it. */
  readonly runs: number
  create(t: Test): Promise<SessionStore>
}

const all: readonly TestedStore[] = [
  { name: 'MemoryStore', skip: false, runs: 200, create: async () => new MemoryStore() },
]

/** Runs the same tests on every store: they have to agree. */
export function overEachStore(name: string, fn: (t: Test, store: TestedStore) => void): void {
  for (const store of all) {
    void t.test(`${name} in ${store.name}`, { skip: store.skip }, async t => fn(t, store))
  }
}
