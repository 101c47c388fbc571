/** Measures what the types of an application cost the compiler: `npm run bench:types -- [--routes 500] [--rounds 5]` */
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

import { describeMachine } from '../machine.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { toSpread } from '../spread.ts'
import { sources } from './sources.ts'
import type { Source } from './sources.ts'

/** What the compiler says of one run. */
interface Check {
  readonly seconds: number
  readonly instantiations: number
}

/** What an application takes. */
interface Cost {
  readonly seconds: number
  /** In seconds over an empty application. */
  readonly difference: number
  /** Over an empty application. */
  readonly instantiations: number
}

const run = promisify(execFile)
// Within the repository, so that the frameworks are found.
const folder = fileURLToPath(new URL('../types-checked/', import.meta.url))
const compiler = fileURLToPath(import.meta.resolve('typescript/lib/tsc.js'))

const { values } = parseArgs({
  options: { routes: { type: 'string', default: '500' }, rounds: { type: 'string', default: '5' } },
})
const routes = Number(values.routes)
rmSync(folder, { recursive: true, force: true })
const costs = new Map<string, Cost[]>(sources.map(({ name }) => [name, []]))
for (let i = 0; i < Number(values.rounds); i++) {
  for (const source of sources) costs.get(source.name)!.push(await measure(source))
  console.error(`round ${i + 1}: done`)
}
const rows = Array.from(costs, ([name, figures]) => [
  name,
  formatSpread(
    figures.map(cost => cost.difference),
    2,
  ),
  toSpread(figures.map(cost => cost.seconds)).median.toFixed(2),
  String(figures[0]!.instantiations),
])
const head = ['application', 'over an empty one, s', 'in all, s', 'instantiations over an empty one']
console.log(
  `${describeMachine()}; ${values.rounds} rounds\n\n## Types of ${routes} routes\n\n${formatRows(head, rows)}`,
)

async function measure(source: Source): Promise<Cost> {
  const empty = await check(source.empty())
  const full = await check(source.routes(routes))
  return {
    seconds: full.seconds,
    difference: full.seconds - empty.seconds,
    instantiations: full.instantiations - empty.instantiations,
  }
}

async function check(text: string): Promise<Check> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'app.ts'), text)
  const parameters = [
    ...[
      '--ignoreConfig',
      '--noEmit',
      '--extendedDiagnostics',
      '--strict',
      '--skipLibCheck',
      '--noUncheckedIndexedAccess',
    ],
    ...['--target', 'es2023', '--lib', 'es2023,esnext.disposable,dom', '--types', 'node'],
    ...['--module', 'nodenext', '--moduleResolution', 'nodenext'],
  ]
  const { stdout } = await run(process.execPath, [compiler, ...parameters, 'app.ts'], { cwd: folder })
  return { seconds: readFigure(stdout, 'Check time'), instantiations: readFigure(stdout, 'Instantiations') }
}

function readFigure(output: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(output)
  if (match) return Number(match[1])
  throw new Error(`Cannot read "${name}" of the compiler: it prints something else`)
}
