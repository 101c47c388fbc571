import { hasNginx } from './nginx.ts'
import type { OtherVersion } from './other-version.ts'
import { hasAiohttp } from './python.ts'
import type { ServerName } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import type { ScenarioName } from './scenarios.ts'
import { startServer } from './server-process.ts'
import type { ServerProcess, ServerStart } from './server-process.ts'

/** The servers of one scenario, all of them running. */
export interface Competitors {
  readonly servers: readonly ServerProcess[]
  stop(): Promise<void>
}

/** Starts some servers for a scenario, and what they need beside them. */
export async function startCompetitors(
  name: ScenarioName,
  starts: readonly ServerStart[],
): Promise<Competitors> {
  const started: ServerProcess[] = []
  const stop = async () => {
    await Promise.all(started.map(server => server.stop()))
  }
  try {
    const env = name === 'upstream' ? await startNeighbour(started) : {}
    const servers: ServerProcess[] = []
    for (const start of starts) {
      const server = await startServer({ ...start, env: { ...start.env, ...env } })
      started.push(server)
      await server.prepare(scenarios[name])
      servers.push(server)
    }
    return { servers, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Who competes in a scenario, as far as it is installed. */
export function peersOf(scenario: ScenarioName): ServerStart[] {
  return scenarios[scenario].servers.filter(isInstalled).map(server => ({ name: server, server, scenario }))
}

function isInstalled(server: ServerName): boolean {
  if (server === 'aiohttp') return hasAiohttp
  return server === 'nginx' ? hasNginx : true
}

/** The same application on another version of Allium, and on this one. */
export function versionsOf(scenario: ScenarioName, { folder }: OtherVersion): ServerStart[] {
  return [
    { name: 'before', server: 'allium', scenario, folder },
    { name: 'after', server: 'allium', scenario },
  ]
}

/** The service that the `upstream` scenario asks. */
async function startNeighbour(started: ServerProcess[]): Promise<Record<string, string>> {
  const neighbour = await startServer({
    name: 'neighbour',
    server: 'neighbour',
    scenario: 'upstream',
    isAside: true,
  })
  started.push(neighbour)
  return { BENCH_NEIGHBOUR: neighbour.origin }
}
