/** Measures test clients: `npm run bench:testing -- [--check] [--rounds 15] [--milliseconds 100] [--warm-up 4000]` */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { arch, cpus, platform } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { scenarios } from './in-memory/scenarios.ts'
import type { InMemoryScenario } from './in-memory/subject.ts'
import type { Burst, BurstOptions } from './in-memory/worker.ts'
import { toSpread } from './spread.ts'

const WORKER = fileURLToPath(new URL('in-memory/worker.js', import.meta.url))

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '15' },
    milliseconds: { type: 'string', default: '100' },
    'warm-up': { type: 'string', default: '4000' },
  },
})
/** Enough for the compiler to have settled. */
const warmUp: BurstOptions = { runs: 20_000, milliseconds: Number(values['warm-up']) }
if (!values.check) {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() || 'unknown CPU'}`
  const date = new Date().toISOString().slice(0, 10)
  console.log(
    `Node ${process.versions.node}, ${platform()} ${arch()}, ${machine}; a process for each; ${date}`,
  )
  console.log(`${values.rounds} rounds of ${values.milliseconds} ms of CPU for each client, in random order`)
}
for (const scenario of scenarios) await runScenario(scenario)

async function runScenario({ title, base, subjects }: InMemoryScenario): Promise<void> {
  const workers = new Map<string, ChildProcess>()
  for (const { name } of subjects) workers.set(name, await startWorker(title, name))
  if (values.check) console.log(`${title}: ${workers.size} clients give the same answer`)
  else console.log(`\n## ${title}\n\n${formatTable(base, await measure(workers))}`)
  for (const worker of workers.values()) {
    worker.disconnect()
    await once(worker, 'exit')
  }
}

/** Has checked its answer when it is ready. */
async function startWorker(title: string, name: string): Promise<ChildProcess> {
  const worker = fork(WORKER, [title, name])
  await Promise.race([once(worker, 'message'), failure(worker, name)])
  return worker
}

async function failure(worker: ChildProcess, name: string): Promise<void> {
  const [code] = (await once(worker, 'exit')) as [number]
  throw new Error(`${name} has ended with ${code}`)
}

async function measure(workers: ReadonlyMap<string, ChildProcess>): Promise<Map<string, Burst>[]> {
  const rounds: Map<string, Burst>[] = []
  for (const worker of workers.values()) await burst(worker, warmUp)
  for (let n = 0; n < Number(values.rounds); n++) {
    const round = new Map<string, Burst>()
    for (const [name, worker] of [...workers].sort(() => Math.random() - 0.5)) {
      round.set(name, await burst(worker, { runs: Infinity, milliseconds: Number(values.milliseconds) }))
    }
    rounds.push(round)
  }
  return rounds
}

async function burst(worker: ChildProcess, { runs, milliseconds }: BurstOptions): Promise<Burst> {
  worker.send({ runs: Math.min(runs, Number.MAX_SAFE_INTEGER), milliseconds })
  const [cost] = (await once(worker, 'message')) as [Burst]
  return cost
}

function formatTable(base: string, rounds: readonly Map<string, Burst>[]): string {
  const rows = [...rounds[0]!.keys()].map(name => {
    const of = (key: keyof Burst) => rounds.map(round => round.get(name)![key])
    const { median, min, max } = toSpread(rounds.map(round => round.get(name)!.cpu / round.get(base)!.cpu))
    const ratio = name === base ? '1.00 (base)' : `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
    return { median, text: `| ${name} | ${ratio} | ${micro(of('cpu'))} | ${micro(of('wall'))} |` }
  })
  rows.sort((a, b) => a.median - b.median)
  return [
    '| client | CPU, ratio | CPU, µs | time, µs |',
    '| --- | --- | --- | --- |',
    ...rows.map(({ text }) => text),
  ].join('\n')
}

function micro(values: readonly number[]): string {
  return toSpread(values).median.toFixed(0)
}
