import { arch, cpus, platform } from 'node:os'

import { canPin } from './cores.ts'
import { CONNECTIONS } from './load-figures.ts'
import { generator } from './load.ts'

/** What a reader has to know to judge figures: Node, the machine, the load, the date. */
export function describeMachine(): string {
  const all = cpus()
  const date = new Date().toISOString().slice(0, 10)
  const cores = canPin ? 'servers on one core, load on another' : 'cores not pinned'
  return [
    `Node ${process.versions.node}, ${platform()} ${arch()}, ${all.length} × ${all[0]?.model.trim() || 'unknown CPU'}`,
    `${generator}, ${CONNECTIONS} connections, ${cores}`,
    date,
  ].join('; ')
}
