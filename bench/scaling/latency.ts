import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { LOAD_CORE, pinned } from '../cores.ts'
import { CONNECTIONS } from '../load-figures.ts'
import type { ServerProcess } from '../server-process.ts'
import { toSpread } from '../spread.ts'
import { formatRows } from '../format-rows.ts'
import { QUESTION } from './question.ts'
import { withServers } from './sized-server.ts'

/** The share of what a server can do that it is asked for. */
const LOAD = 0.8
const SECONDS = 3

const run = promisify(execFile)

/** What is read of autocannon's report. */
interface Report {
  readonly errors: number
  readonly non2xx: number
  readonly requests: { readonly average: number }
  readonly latency: Readonly<Record<(typeof PERCENTILES)[number], number>>
}

const PERCENTILES = ['p50', 'p90', 'p99', 'p99_9', 'max'] as const

/** How long answers take when a server is busy, but not more than it can be. */
export async function measureLatency(roundCount: number): Promise<void> {
  const sized = (['node-http', 'allium', 'fastify'] as const).map(server => ({ name: server, server }))
  await withServers(sized, async servers => {
    const rates = new Map<ServerProcess, number>()
    for (const server of servers) await sendLoad(server) // warms up
    for (const server of servers) rates.set(server, LOAD * (await sendLoad(server)).requests.average)
    const reports = new Map<ServerProcess, Report[]>(servers.map(server => [server, []]))
    for (let i = 0; i < roundCount; i++) {
      for (const server of servers) reports.get(server)!.push(await sendLoad(server, rates.get(server)))
    }
    const rows = servers.map(server => [
      server.name,
      (rates.get(server)! / 1000).toFixed(1) + 'k',
      ...PERCENTILES.map(name =>
        toSpread(reports.get(server)!.map(({ latency }) => latency[name])).median.toFixed(1),
      ),
    ])
    const head = ['server', 'requests/s', ...PERCENTILES.map(name => `${name.replace('_', '.')}, ms`)]
    console.log(`\n## Latency under ${LOAD * 100} % load\n\n${formatRows(head, rows)}`)
  })
}

async function sendLoad({ origin, name }: ServerProcess, rate?: number): Promise<Report> {
  const script = fileURLToPath(import.meta.resolve('autocannon'))
  const load = ['-c', String(CONNECTIONS), '-d', String(SECONDS)]
  if (rate !== undefined) load.push('-R', String(Math.round(rate)))
  const commandLine = [process.execPath, script, '--json', '--no-progress', ...load, origin + QUESTION.path]
  const [command, ...parameters] = pinned(LOAD_CORE, commandLine)
  const report = JSON.parse((await run(command!, parameters)).stdout) as Report
  if (report.errors + report.non2xx === 0) return report
  throw new Error(`Cannot measure ${name}: ${report.errors} errors, ${report.non2xx} answers other than 200`)
}
