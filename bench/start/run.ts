/** Measures the start of a process and what is installed for it: `npm run bench:start -- [--rounds 15]` */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { describeMachine } from '../machine.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { toSpread } from '../spread.ts'
import { measureInstalled } from './installed.ts'

/** Servers by name, with what one installs for them. */
const servers: ReadonlyMap<string, readonly string[]> = new Map([
  ['node-http', []],
  ['allium', ['@allium/core']],
  ['fastify', ['fastify']],
  ['hono', ['hono', '@hono/node-server']],
  ['h3', ['h3']],
  ['koa', ['koa', '@koa/router']],
  ['express', ['express']],
  ['polka', ['polka']],
  ['hapi', ['@hapi/hapi']],
])

/** One start of a process. */
interface Start {
  /** Until it listens, in milliseconds. */
  readonly time: number
  /** User and system time, in milliseconds. */
  readonly cpu: number
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const starts = new Map<string, Start[]>(Array.from(servers.keys(), name => [name, []]))
for (let i = -1; i < Number(values.rounds); i++) {
  for (const [name, figures] of starts) {
    const start = await measureStart(name)
    if (i >= 0) figures.push(start) // the first round fills the caches of the file system
  }
}

const rows = Array.from(servers, ([name, packages]) => {
  const installed = measureInstalled(packages)
  return [
    name === 'node-http' ? `**${name}** (base)` : name,
    ...formatFigures(name, 'cpu'),
    ...formatFigures(name, 'time'),
    String(installed.packages),
    (installed.bytes / 1024).toFixed(0),
  ]
})
const head = ['server', 'CPU, ratio', 'ms', 'time, ratio', 'ms', 'packages', 'installed, KiB']
console.log(
  `${describeMachine()}; ${values.rounds} rounds\n\n## Import and listen\n\n${formatRows(head, rows)}`,
)

function formatFigures(name: string, key: keyof Start): string[] {
  const figures = starts.get(name)!.map(start => start[key])
  const ratios = figures.map((figure, i) => figure / starts.get('node-http')![i]![key])
  return [formatSpread(ratios, 2), toSpread(figures).median.toFixed(0)]
}

/** Runs a process until it listens. */
async function measureStart(name: string): Promise<Start> {
  const script = fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url))
  const start = performance.now()
  const child = fork(script, { env: { ...process.env, NODE_ENV: 'production' } })
  const [cpu] = (await once(child, 'message')) as [number]
  const time = performance.now() - start
  child.kill()
  await once(child, 'exit')
  return { time, cpu: cpu / 1000 }
}
