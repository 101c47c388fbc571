import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CONNECTIONS } from './load-figures.ts'
import type { LoadFigures } from './load-figures.ts'
import type { Scenario } from './scenario.ts'
import type { LoadTarget } from './load-target.ts'

const MARK = 'figures:'

/** Has wrk print its figures exactly, where its own report rounds them. */
const PRINT_FIGURES = `
function done(summary, latency, requests)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format("${MARK} %d %d %f %d", summary.requests, summary.duration, latency:percentile(99), errors))
end`

const folder = mkdtempSync(join(tmpdir(), 'allium-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** The command line of a burst. */
export function wrkCommand(server: LoadTarget, scenario: Scenario, seconds: number): string[] {
  const script = join(folder, 'load.lua')
  writeFileSync(script, describeRequest(server, scenario) + PRINT_FIGURES)
  const { path, connections = CONNECTIONS } = scenario
  return ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, server.origin + path]
}

/** Reads what wrk printed; it counts time in microseconds. */
export function parseWrk(output: string): LoadFigures {
  const line = output.split('\n').find(text => text.startsWith(MARK))
  const [responses, duration, p99, errors] = (line ?? '').slice(MARK.length).trim().split(' ').map(Number)
  return { responses: responses!, seconds: duration! / 1e6, p99: p99! / 1e3, errors: errors! }
}

function describeRequest({ headers, cookies }: LoadTarget, { method, body }: Scenario): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `wrk.headers["${name}"] = ${JSON.stringify(value)}`,
  )
  lines.push(`wrk.method = "${method}"`)
  if (cookies.length === 1) lines.push(`wrk.headers["cookie"] = ${JSON.stringify(cookies[0])}`)
  if (cookies.length > 1) lines.push(inTurn(cookies))
  if (body !== undefined) lines.push(`wrk.body = ${JSON.stringify(body)}`) // no character in it that Lua escapes otherwise
  return lines.join('\n')
}

/** Formats each request anew, with the next cookie. */
function inTurn(cookies: readonly string[]): string {
  return `
local cookies, turn = { ${cookies.map(cookie => JSON.stringify(cookie)).join(', ')} }, 0
function request()
  turn = turn % #cookies + 1
  wrk.headers["cookie"] = cookies[turn]
  return wrk.format()
end`
}
