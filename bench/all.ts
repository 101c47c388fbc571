/**
 * Runs all benches one after another, by the Node that runs this, and writes `results/<date>-node-<major>.md`:
 * `npm run bench:all -- [--rounds 7] [--quick] [--without scaling]`
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { describeMachine } from './machine.ts'
import { toCount } from './options.ts'
import { parametersOf, parts, ROUNDS, secondsOf } from './parts.ts'
import type { Part } from './parts.ts'
import { formatMinutes, runPart } from './run-part.ts'

/** How late a part may be, in seconds. */
const PATIENCE = 10

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: String(ROUNDS.full) },
    quick: { type: 'boolean', default: false },
    without: { type: 'string', multiple: true, default: [] },
  },
})
const rounds = values.quick ? ROUNDS.quick : toCount('rounds', values.rounds)
const wanted = parts.filter(({ title }) => !values.without.includes(title.toLowerCase()))
if (parts.length - wanted.length < new Set(values.without).size) {
  throw new RangeError(`There are: ${parts.map(({ title }) => title.toLowerCase()).join(', ')}`)
}
const version = process.versions.node
const date = new Date().toISOString().slice(0, 10)
const name = `${date}-node-${version.split('.')[0]}.md`
const file = fileURLToPath(new URL(`../results/${name}`, import.meta.url))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

const sections = [describeRun()]
let due = performance.now() / 1000 + PATIENCE
for (const [index, part] of wanted.entries()) {
  due += secondsOf(part, rounds) // what one part leaves of its time, the next ones have
  console.log(`\n[${index + 1}/${wanted.length}] ${part.title}: ${commandOf(part)}`)
  sections.push(await runSection(part, due - performance.now() / 1000))
  writeFileSync(file, sections.join('\n\n') + '\n') // what is measured stays, whatever becomes of the rest
}
console.log(`\nWritten to bench/results/${name}`)

function describeRun(): string {
  const options = [`--rounds ${rounds}`, ...values.without.map(title => `--without '${title}'`)].join(' ')
  return `# Node ${version}, ${date}

${describeMachine()}

\`\`\`sh
npm run bench:all -- ${options}    # all of this again
node bench/dist/all.js ${options}  # by another Node
\`\`\``
}

async function runSection(part: Part, limit: number): Promise<string> {
  const parameters = parametersOf(part, rounds)
  const { output, failure, seconds } = await runPart({ script: part.script, parameters, limit })
  const lines = [`## ${part.title}`, `\`${commandOf(part)}\`, ${formatMinutes(seconds)}`]
  if (output) lines.push(output.trim().replaceAll(/^## /gm, '### '))
  if (failure !== undefined) {
    process.exitCode = 1
    console.error(`${part.title} failed: ${failure}`)
    lines.push(`**Failed**: ${failure}.`)
  }
  return lines.join('\n\n')
}

function commandOf(part: Part): string {
  return `npm run ${part.command} -- ${parametersOf(part, rounds).join(' ')}`
}
