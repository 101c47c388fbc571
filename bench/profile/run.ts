/**
 * Shows where the time of a server goes, and what it allocates:
 * `npm run bench:profile -- [--scenario hello] [--server allium] [--seconds 5]`
 */
import { parseArgs } from 'node:util'

import { checkAnswer } from '../check-answer.ts'
import { startCompetitors } from '../competitors.ts'
import { formatRows } from '../format-rows.ts'
import { describeMachine } from '../machine.ts'
import { toCount, toScenarioName } from '../options.ts'
import type { Scenario, ServerName } from '../scenario.ts'
import { scenarios } from '../scenarios.ts'
import { writeFiles } from '../write-files.ts'
import { formatCosts } from './format-costs.ts'
import { moduleOf } from './frames.ts'
import type { Frame } from './frames.ts'
import { profileServer } from './profile-server.ts'
import type { Profile } from './profile-server.ts'

/** Comes into every process of Node's that starts with it. */
const SAMPLER = { NODE_OPTIONS: `--import=${import.meta.resolve('./inside.js')}` }

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'hello' },
    server: { type: 'string', default: 'allium' },
    seconds: { type: 'string', default: '5' },
  },
})
const scenarioName = toScenarioName(values.scenario)
const seconds = toCount('seconds', values.seconds)
const scenario: Scenario = scenarios[scenarioName]
const names = new Set([toServerName(values.server), scenario.base])

writeFiles()
const starts = Array.from(names, name => ({ name, server: name, scenario: scenarioName, env: SAMPLER }))
const competitors = await startCompetitors(scenarioName, starts)
const profiles = new Map<string, Profile>()
try {
  for (const server of competitors.servers) {
    await checkAnswer(server, scenario)
    profiles.set(server.name, await profileServer(server, scenario, seconds))
  }
} finally {
  await competitors.stop()
}
console.log(`${describeMachine()}; ${seconds} s under each profiler`)
console.log(`\n## ${scenarioName}: ${scenario.title}\n\n${formatTotals()}`)
const profile = profiles.get(values.server)!
console.log(`\n### ${values.server} by module\n\n${formatCosts(profile, moduleOf)}`)
console.log(`\n### ${values.server} by function\n\n${formatCosts(profile, describeFunction)}`)

function toServerName(text: string): ServerName {
  const name = scenario.servers.find(server => server === text)
  if (name !== undefined && name !== 'aiohttp' && name !== 'nginx') return name
  throw new RangeError(`Cannot profile "${text}": no server of that name runs ${scenarioName} on Node`)
}

function formatTotals(): string {
  const base = profiles.get(scenario.base)!
  const rows = Array.from(profiles, ([name, { cpu, bytes }]) => [
    name === scenario.base ? `**${name}** (base)` : name,
    cpu.toFixed(1),
    bytes.toFixed(0),
    (bytes / base.bytes).toFixed(2),
  ])
  return formatRows(['server', 'CPU per request, µs', 'allocated per request, bytes', 'ratio'], rows)
}

function describeFunction(frame: Frame): string {
  return `\`${frame.name || '(anonymous)'}\`, ${moduleOf(frame)}`
}
