import { runRound } from '../rounds.ts'
import type { Round } from '../rounds.ts'
import type { ServerProcess } from '../server-process.ts'
import { QUESTION } from './question.ts'

const WARM_UP_ROUNDS = 2

/** Rounds of bursts of one second, those of the warm-up left out. */
export async function measureRounds(servers: readonly ServerProcess[], count: number): Promise<Round[]> {
  const rounds: Round[] = []
  for (let i = 0; i < WARM_UP_ROUNDS + count; i++) rounds.push(await runRound(servers, QUESTION, 1))
  return rounds.slice(WARM_UP_ROUNDS)
}
