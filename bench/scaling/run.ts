/** Runs the scaling benches: `npm run bench:scaling -- [--rounds 7] [--part routes]…` */
import { parseArgs } from 'node:util'

import { describeMachine } from '../machine.ts'
import { measureIdleConnections } from './idle-connections.ts'
import { measureLatency } from './latency.ts'
import { measureMiddlewares } from './middlewares.ts'
import { measureRoutes } from './routes.ts'
import { measureWorkers } from './workers.ts'

const parts: ReadonlyMap<string, (rounds: number) => Promise<void>> = new Map([
  ['routes', measureRoutes],
  ['middlewares', measureMiddlewares],
  ['idle-connections', measureIdleConnections],
  ['workers', measureWorkers],
  ['latency', measureLatency],
])

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    part: { type: 'string', multiple: true, default: [...parts.keys()] },
  },
})
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`Cannot run ${values.rounds} rounds`)
const unknown = values.part.find(name => !parts.has(name))
if (unknown !== undefined) {
  throw new RangeError(`Cannot run part "${unknown}": there are ${[...parts.keys()].join(', ')}`)
}

console.log(`${describeMachine()}; ${rounds} rounds`)
for (const name of values.part) await parts.get(name)!(rounds)
