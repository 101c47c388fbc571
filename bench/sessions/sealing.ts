import assert from 'node:assert/strict'

import { seal, unseal } from '@allium/sessions'
import * as iron from 'iron-webcrypto'

import { formatRows, formatSpread } from '../format-rows.ts'
import { PASSWORD } from '../payloads.ts'

/** What is sealed: 300 bytes of JSON. */
const VALUE = { user: 'ada', list: Array.from({ length: 28 }, (_, i) => 10_000_000 + i), text: 'x'.repeat(6) }
const CALLS = 100
const WARM_UP_ROUNDS = 5

type Work = () => unknown

/** What sealing and unsealing takes of the processor, beside iron-webcrypto with a password string. */
export async function measureSealing(rounds: number): Promise<void> {
  const sealed = seal(VALUE, PASSWORD)
  assert.deepEqual(await iron.unseal(sealed, PASSWORD, iron.defaults), VALUE)
  assert.deepEqual(unseal(await iron.seal(VALUE, PASSWORD, iron.defaults), PASSWORD), VALUE)

  const rows = [
    ['seal', ...(await compare(rounds, ironSeal, () => seal(VALUE, PASSWORD)))],
    [
      'unseal',
      ...(await compare(
        rounds,
        () => ironUnseal(sealed),
        () => unseal(sealed, PASSWORD),
      )),
    ],
  ]
  const head = ['step', 'iron-webcrypto, µs', 'Allium, µs', 'times as fast']
  const bytes = Buffer.byteLength(JSON.stringify(VALUE))
  console.log(`\n## Sealing ${bytes} bytes of JSON with a password string\n\n${formatRows(head, rows)}`)
}

function ironSeal(): Promise<string> {
  return iron.seal(VALUE, PASSWORD, iron.defaults)
}

function ironUnseal(sealed: string): Promise<unknown> {
  return iron.unseal(sealed, PASSWORD, iron.defaults)
}

/** Both in turn, so that whatever else the machine does hits both. */
async function compare(rounds: number, theirs: Work, ours: Work): Promise<string[]> {
  const costs: { theirs: number; ours: number }[] = []
  for (let i = 0; i < WARM_UP_ROUNDS + rounds; i++) {
    costs.push({ theirs: await cost(theirs), ours: await cost(ours) })
  }
  const counted = costs.slice(WARM_UP_ROUNDS)
  return [
    formatSpread(
      counted.map(({ theirs }) => theirs),
      0,
    ),
    formatSpread(
      counted.map(({ ours }) => ours),
      0,
    ),
    formatSpread(
      counted.map(({ theirs, ours }) => theirs / ours),
      2,
    ),
  ]
}

/** Processor time of one call, in microseconds, of all threads. */
async function cost(work: Work): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < CALLS; i++) await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / CALLS
}
