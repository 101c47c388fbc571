import { Router } from '@allium/router'

import type { Round } from '../rounds.ts'
import { toSpread } from '../spread.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { measureRounds } from './measure-rounds.ts'
import { QUESTION } from './question.ts'
import { otherPaths, PATH } from './sized-app.ts'
import { withServers } from './sized-server.ts'

const COUNTS = [10, 100, 1000, 10_000]
const LOOKUPS = 100_000

/** What a look-up and a request cost, the more routes there are. */
export async function measureRoutes(roundCount: number): Promise<void> {
  const sized = COUNTS.map(routes => ({ name: String(routes), server: 'allium' as const, routes }))
  await withServers(sized, async servers => {
    const rounds = await measureRounds(servers, roundCount)
    const lookups = timeLookups(roundCount)
    const rows = COUNTS.map(count => [
      String(count),
      formatSpread(lookups.get(count)!, 0),
      ...formatCosts(String(count), rounds),
    ])
    const head = ['routes', 'look-up, ns', 'CPU per request, ratio to 10 routes', 'µs']
    console.log(`\n## Routes\n\n${formatRows(head, rows)}`)
  })
}

function formatCosts(name: string, rounds: readonly Round[]): string[] {
  const ratios = rounds.map(round => round.get(name)!.cpu / round.get(String(COUNTS[0]))!.cpu)
  return [formatSpread(ratios, 2), toSpread(rounds.map(round => round.get(name)!.cpu)).median.toFixed(1)]
}

/** Nanoseconds per look-up, in turns, in this process. */
function timeLookups(turns: number): Map<number, number[]> {
  const routers = new Map(COUNTS.map(count => [count, createRouter(count)]))
  const times = new Map<number, number[]>(COUNTS.map(count => [count, []]))
  for (let turn = -1; turn < turns; turn++) {
    for (const [count, router] of routers) {
      const time = timeRouter(router)
      if (turn >= 0) times.get(count)!.push(time) // the first turn warms up
    }
  }
  return times
}

function createRouter(routes: number): Router<string> {
  const router = new Router<string>()
  for (const path of otherPaths({ routes, middlewares: 0 })) router.add('GET', path, path)
  router.add('GET', PATH, PATH)
  return router
}

function timeRouter(router: Router<string>): number {
  const start = performance.now()
  let found = 0
  for (let i = 0; i < LOOKUPS; i++) if (router.match('GET', QUESTION.path) !== undefined) found++
  if (found !== LOOKUPS) throw new Error(`Cannot measure the router: ${found} of ${LOOKUPS} look-ups matched`)
  return ((performance.now() - start) * 1e6) / LOOKUPS
}
