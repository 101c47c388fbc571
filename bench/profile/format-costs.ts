import { formatRows } from '../format-rows.ts'
import type { Frame } from './frames.ts'
import type { Profile } from './profile-server.ts'

/** Rows of a table. */
const TOP = 25

/** What one request costs in one part of the program. */
interface Cost {
  /** In microseconds. */
  readonly time: number
  readonly bytes: number
}

/** A table of what takes most of the time, under the names that functions are given, and of the rest in one row. */
export function formatCosts(profile: Profile, nameOf: (frame: Frame) => string): string {
  const costs = [...gatherCosts(profile, nameOf)].sort(([, a], [, b]) => b.time - a.time)
  const rest = costs.slice(TOP).map(([, cost]) => cost)
  if (rest.length > 0) costs.splice(TOP, Infinity, [`${rest.length} others`, rest.reduce(add)])
  return formatRows(
    ['what', 'µs per request', 'bytes per request'],
    costs.map(([name, { time, bytes }]) => [name, time.toFixed(2), bytes.toFixed(0)]),
  )
}

function gatherCosts({ time, allocations }: Profile, nameOf: (frame: Frame) => string): Map<string, Cost> {
  const costs = new Map<string, Cost>()
  const gather = (frame: Frame, cost: Cost) => {
    const name = nameOf(frame)
    costs.set(name, add(cost, costs.get(name) ?? { time: 0, bytes: 0 }))
  }
  for (const frame of time) gather(frame, { time: frame.weight, bytes: 0 })
  for (const frame of allocations) gather(frame, { time: 0, bytes: frame.weight })
  return costs
}

function add(a: Cost, b: Cost): Cost {
  return { time: a.time + b.time, bytes: a.bytes + b.bytes }
}
