import { fileURLToPath } from 'node:url'

import { CONNECTIONS } from './load-figures.ts'
import type { LoadFigures } from './load-figures.ts'
import type { Scenario } from './scenario.ts'
import type { LoadTarget } from './load-target.ts'

/** What is read of autocannon's report. */
interface Report {
  readonly duration: number
  readonly errors: number
  readonly non2xx: number
  readonly latency: { readonly p99: number }
  readonly requests: { readonly total: number }
}

/** The command line of a burst. */
export function autocannonCommand(server: LoadTarget, scenario: Scenario, seconds: number): string[] {
  const script = fileURLToPath(import.meta.resolve('autocannon'))
  const { method, path, body, connections = CONNECTIONS } = scenario
  return [
    ...[process.execPath, script, '--json', '--no-progress', '-m', method],
    ...['-c', String(connections), '-d', String(seconds)],
    ...Object.entries(withCookie(server)).flatMap(([name, value]) => ['-H', `${name}=${value}`]),
    ...(body === undefined ? [] : ['-b', body]),
    server.origin + path,
  ]
}

/** Reads what autocannon printed. */
export function parseAutocannon(output: string): LoadFigures {
  const { duration, errors, non2xx, latency, requests } = JSON.parse(output) as Report
  return { responses: requests.total, seconds: duration, p99: latency.p99, errors: errors + non2xx }
}

/** It sends the same fields with every request: all are of one visitor. */
function withCookie({ headers, cookies: [cookie] }: LoadTarget): LoadTarget['headers'] {
  return cookie === undefined ? headers : { ...headers, cookie }
}
