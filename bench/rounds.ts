import { sendLoad } from './load.ts'
import type { Scenario } from './scenario.ts'
import type { ServerProcess } from './server-process.ts'

/** What one burst cost one server. */
export interface Figures {
  /** User and system time of the server per response, in microseconds. */
  readonly cpu: number
  /** Responses per second. */
  readonly rate: number
  /** The latency that 99 % of the responses kept, in milliseconds. */
  readonly p99: number
}

/** The figures of every server in one round. */
export type Round = ReadonlyMap<string, Figures>

/** One burst for each server, in random order, so that none always comes after the same one. */
export async function runRound(
  servers: readonly ServerProcess[],
  scenario: Scenario,
  seconds: number,
): Promise<Round> {
  const round = new Map<string, Figures>()
  for (const server of shuffled(servers)) {
    round.set(server.name, await runBurst(server, scenario, seconds))
  }
  return round
}

async function runBurst(server: ServerProcess, scenario: Scenario, seconds: number): Promise<Figures> {
  const before = await server.readUsage()
  const load = await sendLoad(server, scenario, seconds)
  const after = await server.readUsage()
  return {
    cpu: (after.cpu - before.cpu) / load.responses,
    rate: load.responses / load.seconds,
    p99: load.p99,
  }
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const sortable = items.map(item => ({ item, key: Math.random() }))
  return sortable.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
