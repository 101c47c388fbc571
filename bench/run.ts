/** Runs the benches: `npm run bench -- [--check] [--rounds 7] [--seconds 1] [--scenario hello]…` */
import { checkAnswer } from './check-answer.ts'
import { describeMachine } from './machine.ts'
import { parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { formatTable } from './result-table.ts'
import { runRound } from './rounds.ts'
import type { Round } from './rounds.ts'
import { scenarios } from './scenarios.ts'
import type { Scenario, ScenarioName, ServerName } from './scenarios.ts'
import { startServer } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'

// Enough for the compiler to have settled: what comes after it stays level.
const WARM_UP_ROUNDS = 3

const options = parseOptions()
if (!options.check) console.log(`${describeMachine()}; ${options.rounds} rounds of ${options.seconds} s`)
for (const name of options.scenarios) await runScenario(name, options)

async function runScenario(name: ScenarioName, options: Options): Promise<void> {
  const scenario = scenarios[name]
  const servers: ServerProcess[] = []
  try {
    for (const server of scenario.servers) servers.push(await startServer(server, name))
    for (const server of servers) await checkAnswer(server, scenario)

    if (options.check) console.log(`${name}: ${servers.length} servers give the same answer`)
    else console.log(`\n## ${name}: ${scenario.title}\n\n${await measure(servers, scenario, options)}`)
  } finally {
    await Promise.all(servers.map(server => server.stop()))
  }
}

async function measure(
  servers: readonly ServerProcess[],
  scenario: Scenario,
  { rounds: count, seconds }: Options,
): Promise<string> {
  const rounds: Round[] = []
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await runRound(servers, scenario, seconds)
  for (let i = 0; i < count; i++) rounds.push(await runRound(servers, scenario, seconds))
  return formatTable(scenario, rounds, await readPeakMemory(servers))
}

async function readPeakMemory(servers: readonly ServerProcess[]): Promise<Map<ServerName, number>> {
  const peaks = new Map<ServerName, number>()
  for (const server of servers) peaks.set(server.name, (await server.readUsage()).peakMemory)
  return peaks
}
