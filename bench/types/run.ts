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

/** What the compiler says of one run. */
interface Cost {
  readonly seconds: number
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
const rows: string[][] = []
for (const source of sources) {
  const costs: Cost[] = []
  const differences: number[] = []
  for (let i = 0; i < Number(values.rounds); i++) {
    const empty = await check(source.empty())
    const full = await check(source.routes(routes))
    differences.push(full.seconds - empty.seconds)
    costs.push({ seconds: full.seconds, instantiations: full.instantiations - empty.instantiations })
  }
  rows.push([
    source.name,
    formatSpread(differences, 2),
    toSpread(costs.map(({ seconds }) => seconds)).median.toFixed(2),
    String(costs[0]!.instantiations),
  ])
  console.error(`${source.name}: done`)
}
const head = ['application', 'over an empty one, s', 'in all, s', 'instantiations over an empty one']
console.log(
  `${describeMachine()}; ${values.rounds} rounds\n\n## Types of ${routes} routes\n\n${formatRows(head, rows)}`,
)

async function check(text: string): Promise<Cost> {
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
