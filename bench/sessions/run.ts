/** Runs the session benches: `npm run bench:sessions -- [--rounds 15]` */
import { parseArgs } from 'node:util'

import { describeMachine } from '../machine.ts'
import { measureSealing } from './sealing.ts'
import { measureUnused } from './unused.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`Cannot run ${values.rounds} rounds`)

console.log(`${describeMachine()}; ${rounds} rounds`)
await measureSealing(rounds)
await measureUnused(rounds)
