/** Runs the four suites, without a bug and with each, and writes what came out into the README. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { BUGS } from './service.ts'
import type { Bug } from './service.ts'

export const SUITES = {
  express: 'supertest, Express',
  fastify: '`fastify.inject`',
  hono: '`app.request`, Hono',
  allium: 'Allium',
} as const

export type Suite = keyof typeof SUITES

/** What became of a suite: `late` where only a time limit has ended it. */
export type Outcome = 'passed' | 'caught' | 'late'

/** How long nothing may come out of a suite, in milliseconds: more than a client waits for an answer. */
const SILENCE = 12_000
const README = new URL('../README.md', import.meta.url)
export const WORDS: Readonly<Record<Outcome, string>> = {
  passed: 'missed',
  caught: '**caught**',
  late: 'time-out',
}

/** Runs one suite, and ends it when nothing more comes of it. */
export async function runSuite(suite: Suite, bug?: Bug): Promise<{ outcome: Outcome; output: string }> {
  const file = fileURLToPath(new URL(`suites/${suite}.js`, import.meta.url))
  const { NODE_OPTIONS: _, TAP: __, ...environment } = process.env
  const env = { ...environment, ...(bug ? { PLANTED_BUG: bug } : {}) }
  const run = spawn(process.execPath, ['--test-reporter=tap', file], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  const limit = setTimeout(() => run.kill('SIGKILL'), SILENCE)
  run.stdout.on('data', (text: Buffer) => {
    output += text.toString()
    limit.refresh()
  })
  const [code] = (await once(run, 'close')) as [number | null]
  clearTimeout(limit)
  return { outcome: code === 0 ? 'passed' : outcomeOf(output), output }
}

/** A test that says what is wrong counts, whatever else hangs behind it. */
function outcomeOf(output: string): Outcome {
  return /^\s+failureType: '(testCodeFailure|hookFailed|uncaughtException)'/m.test(output) ? 'caught' : 'late'
}

/** Lines of a suite that are neither empty nor comments. */
export function countLines(suite: Suite): number {
  const source = readFileSync(new URL(`../src/suites/${suite}.ts`, import.meta.url), 'utf8')
  return source.split('\n').filter(line => line.trim() !== '' && !line.startsWith('//')).length
}

/** What becomes of suites with a bug planted, in their order. */
export async function catches(bug: Bug, suites: readonly Suite[]): Promise<Outcome[]> {
  const runs = await Promise.all(suites.map(suite => runSuite(suite, bug)))
  return runs.map(({ outcome }) => outcome)
}

async function catchTable(): Promise<string[]> {
  const rows: string[] = []
  for (const bug of Object.keys(BUGS) as Bug[]) {
    const cells = (await catches(bug, Object.keys(SUITES) as Suite[])).map(outcome => WORDS[outcome])
    rows.push(`| ${BUGS[bug]} | ${cells.join(' | ')} |`)
  }
  return rows
}

async function runTime(suite: Suite): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < 5; n++) {
    const { output } = await runSuite(suite)
    times.push(Number(/^# duration_ms ([\d.]+)$/m.exec(output)?.[1]))
  }
  return times.sort((a, b) => a - b)[2]!
}

async function writeTable(): Promise<void> {
  const suites = Object.keys(SUITES) as Suite[]
  const times: string[] = []
  for (const suite of suites) times.push(`${(await runTime(suite)).toFixed(0)} ms`)
  const table = [
    `| | ${Object.values(SUITES).join(' | ')} |`,
    `| --- | ${suites.map(() => '---').join(' | ')} |`,
    `| lines | ${suites.map(countLines).join(' | ')} |`,
    `| run time | ${times.join(' | ')} |`,
    ...(await catchTable()),
  ].join('\n')
  const text = readFileSync(README, 'utf8')
  const [before, after] = [text.split('<!-- table -->')[0]!, text.split('<!-- end of table -->')[1]!]
  writeFileSync(README, `${before}<!-- table -->\n\n${table}\n\n<!-- end of table -->${after}`)
  console.log(table)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeTable()
