import type { Round } from '../rounds.ts'
import { toSpread } from '../spread.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { measureRounds } from './measure-rounds.ts'
import { withServers } from './sized-server.ts'

const COUNTS = [0, 10, 20, 50]
const SERVERS = ['allium', 'koa', 'hono'] as const

/** What each middleware of an onion adds to a request, beside the onions of others. */
export async function measureMiddlewares(roundCount: number): Promise<void> {
  const sized = SERVERS.flatMap(server =>
    COUNTS.map(middlewares => ({ name: nameOf(server, middlewares), server, middlewares })),
  )
  await withServers(sized, async servers => {
    const rounds = await measureRounds(servers, roundCount)
    const head = ['server', ...COUNTS.map(count => `µs with ${count}`), 'µs per middleware']
    const rows = SERVERS.map(server => [
      server,
      ...COUNTS.map(count => toSpread(costs(rounds, server, count)).median.toFixed(1)),
      formatSpread(slopes(rounds, server), 3),
    ])
    console.log(`\n## Middlewares\n\n${formatRows(head, rows)}`)
  })
}

function nameOf(server: string, middlewares: number): string {
  return `${server} ${middlewares}`
}

function costs(rounds: readonly Round[], server: string, count: number): number[] {
  return rounds.map(round => round.get(nameOf(server, count))!.cpu)
}

/** Between none and the most, round by round. */
function slopes(rounds: readonly Round[], server: string): number[] {
  const most = COUNTS.at(-1)!
  const without = costs(rounds, server, 0)
  return costs(rounds, server, most).map((cost, i) => (cost - without[i]!) / most)
}
