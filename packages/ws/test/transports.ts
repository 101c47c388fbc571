import type { TransportName } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

/** Runs the same tests in memory and over TCP: they have to agree. */
export function overEachTransport(name: string, fn: (t: Test, transport: TransportName) => void): void {
  for (const transport of ['memory', 'tcp'] as const) {
    void t.test(`${name} over ${transport}`, async t => fn(t, transport))
  }
}
