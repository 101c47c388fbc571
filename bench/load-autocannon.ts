import { fileURLToPath } from 'node:url'

import { CONNECTIONS } from './load-figures.ts'
import type { LoadFigures } from './load-figures.ts'
import type { Scenario } from './scenarios.ts'

/** What is read of autocannon's report. */
interface Report {
  readonly duration: number
  readonly errors: number
  readonly non2xx: number
  readonly latency: { readonly p99: number }
  readonly requests: { readonly total: number }
}

/** The command line of a burst. */
export function autocannonCommand(url: string, scenario: Scenario, seconds: number): string[] {
  const script = fileURLToPath(import.meta.resolve('autocannon'))
  const { method, headers, body } = scenario
  return [
    ...[process.execPath, script, '--json', '--no-progress', '-m', method],
    ...['-c', String(CONNECTIONS), '-d', String(seconds)],
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}=${value}`]),
    ...(body === undefined ? [] : ['-b', body]),
    url,
  ]
}

/** Reads what autocannon printed. */
export function parseAutocannon(output: string): LoadFigures {
  const { duration, errors, non2xx, latency, requests } = JSON.parse(output) as Report
  return { responses: requests.total, seconds: duration, p99: latency.p99, errors: errors + non2xx }
}
