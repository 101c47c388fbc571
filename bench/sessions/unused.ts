import { checkAnswer } from '../check-answer.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { runRound } from '../rounds.ts'
import type { Round } from '../rounds.ts'
import { scenarios } from '../scenarios.ts'
import { startServer } from '../server-process.ts'
import type { ServerProcess } from '../server-process.ts'

const WARM_UP_ROUNDS = 3
/** What the servers do about sessions, and what of it is called how. */
const USES = {
  none: 'no middleware',
  layer: 'a middleware that only calls next()',
  unused: 'sessions(), not asked for',
  read: 'sessions(), and a new one is read',
}

/** What a request costs that never asks for its session. */
export async function measureUnused(count: number): Promise<void> {
  const servers: ServerProcess[] = []
  try {
    for (const use of Object.keys(USES)) servers.push(await start(use))
    const rounds: Round[] = []
    for (let i = 0; i < WARM_UP_ROUNDS + count; i++) rounds.push(await runRound(servers, scenarios.hello, 1))
    print(rounds.slice(WARM_UP_ROUNDS))
  } finally {
    await Promise.all(servers.map(server => server.stop()))
  }
}

async function start(use: string): Promise<ServerProcess> {
  const folder = new URL('./', import.meta.url)
  const env = { BENCH_SESSIONS: use }
  const server = await startServer({ name: use, server: 'allium', scenario: 'hello', folder, env })
  await checkAnswer(server, scenarios.hello)
  return server
}

function print(rounds: readonly Round[]): void {
  const rows = Object.entries(USES).map(([use, title]) => {
    const costs = rounds.map(round => round.get(use)!.cpu)
    const ratios = rounds.map(round => round.get(use)!.cpu / round.get('none')!.cpu)
    return [title, formatSpread(ratios, 2), formatSpread(costs, 1)]
  })
  const head = ['server', 'CPU per request, ratio', 'µs']
  console.log(`\n## A request that does not ask for its session\n\n${formatRows(head, rows)}`)
}
