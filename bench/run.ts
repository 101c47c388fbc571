/** Runs the benches: `npm run bench -- [--check] [--compare <commit>] [--rounds 7] [--seconds 1] [--scenario hello]…` */
import { checkAnswer } from './check-answer.ts'
import { peersOf, startCompetitors, versionsOf } from './competitors.ts'
import { hasDatabase } from './database-url.ts'
import { describeMachine } from './machine.ts'
import { parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { buildVersion } from './other-version.ts'
import type { OtherVersion } from './other-version.ts'
import { hasRedis } from './redis-url.ts'
import { formatTable } from './result-table.ts'
import { runRound } from './rounds.ts'
import type { Round } from './rounds.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import type { ScenarioName } from './scenarios.ts'
import type { ServerProcess } from './server-process.ts'
import { writeFiles } from './write-files.ts'

// Enough for the compiler to have settled: what comes after it stays level.
const WARM_UP_ROUNDS = 3

const options = parseOptions()
writeFiles()
if (!options.check) console.log(`${describeMachine()}; ${options.rounds} rounds of ${options.seconds} s`)
const other = options.compare === undefined ? undefined : await buildVersion(options.compare)
try {
  for (const name of options.scenarios) {
    if (await isPossible(name)) await runScenario(name, options, other)
    else console.log(`${name}: left out, what it needs is not at DATABASE_URL or REDIS_URL`)
  }
} finally {
  await other?.remove()
}

async function isPossible(name: ScenarioName): Promise<boolean> {
  if (process.env['ALLIUM_REQUIRE_SERVICES'] === '1') return true
  if (name === 'database') return hasDatabase()
  return name === 'redis-session' ? hasRedis() : true
}

async function runScenario(
  name: ScenarioName,
  options: Options,
  other: OtherVersion | undefined,
): Promise<void> {
  const scenario = scenarios[name]
  const base = other ? 'before' : scenario.base
  const competitors = await startCompetitors(name, other ? versionsOf(name, other) : peersOf(name))
  const { servers } = competitors
  try {
    for (const server of servers) await checkAnswer(server, scenario)
    if (options.check) console.log(`${name}: ${servers.length} servers give the same answer`)
    else
      console.log(
        `\n## ${name}: ${scenario.title}\n\n${formatTable(base, ...(await measure(servers, scenario, options)))}`,
      )
  } finally {
    await competitors.stop()
  }
}

async function measure(
  servers: readonly ServerProcess[],
  scenario: Scenario,
  { rounds: count, seconds }: Options,
): Promise<[rounds: readonly Round[], peakMemory: ReadonlyMap<string, number>]> {
  const rounds: Round[] = []
  const warmUps = Math.min(WARM_UP_ROUNDS, count) // whoever asks for so few rounds is in a hurry
  for (let i = 0; i < warmUps; i++) await runRound(servers, scenario, seconds)
  for (let i = 0; i < count; i++) rounds.push(await runRound(servers, scenario, seconds))
  return [rounds, await readPeakMemory(servers)]
}

async function readPeakMemory(servers: readonly ServerProcess[]): Promise<Map<string, number>> {
  const peaks = new Map<string, number>()
  for (const server of servers) peaks.set(server.name, (await server.readUsage()).peakMemory)
  return peaks
}
