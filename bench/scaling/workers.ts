import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { sendLoad } from '../load.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { QUESTION } from './question.ts'

const COUNTS = [1, 2]

/** A program of Allium's with its workers. */
interface Program {
  readonly name: string
  readonly child: ChildProcess
  readonly origin: string
}

/** What a second worker is worth, beside a load that wants a processor too. */
export async function measureWorkers(roundCount: number): Promise<void> {
  const programs: Program[] = []
  const rates = new Map<string, number[]>()
  try {
    for (const count of COUNTS) programs.push(await startProgram(count))
    for (let i = -1; i < roundCount; i++) {
      for (const { name, origin } of programs) {
        const { responses, seconds } = await sendLoad({ name, origin, headers: {}, cookies: [] }, QUESTION, 1)
        if (i >= 0) rates.set(name, [...(rates.get(name) ?? []), responses / seconds])
      }
    }
  } finally {
    await Promise.all(programs.map(stopProgram))
  }
  const base = rates.get('1')!
  const rows = Array.from(rates, ([name, figures]) => [
    name,
    `${formatSpread(
      figures.map(rate => rate / 1000),
      1,
    )}`,
    formatSpread(
      figures.map((rate, i) => rate / base[i]!),
      2,
    ),
  ])
  console.log(`\n## Workers\n\n${formatRows(['workers', 'thousand requests/s', 'ratio'], rows)}`)
}

async function startProgram(count: number): Promise<Program> {
  const script = fileURLToPath(new URL('./servers/workers.js', import.meta.url))
  const child = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_WORKERS: String(count) },
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { name: String(count), child, origin: /http:\S+/.exec(line)![0] }
}

async function stopProgram({ child }: Program): Promise<void> {
  child.kill()
  await once(child, 'exit')
}
