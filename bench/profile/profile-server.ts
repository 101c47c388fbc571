import { sendLoad } from '../load.ts'
import type { Scenario } from '../scenario.ts'
import type { ServerProcess } from '../server-process.ts'
import type { Frame } from './frames.ts'
import type { ProfilerQuestion } from './messages.ts'

/** What one request costs a server. */
export interface Profile {
  /** User and system time, in microseconds, measured without a profiler. */
  readonly cpu: number
  /** What is allocated of the heap, in bytes. */
  readonly bytes: number
  /** Of that time, each function's own. */
  readonly time: readonly Frame[]
  /** Of those bytes, each function's own. */
  readonly allocations: readonly Frame[]
}

/** Sends load to a server for so many seconds each: to warm it up, to measure it, and under two profilers. */
export async function profileServer(
  server: ServerProcess,
  scenario: Scenario,
  seconds: number,
): Promise<Profile> {
  const load = async () => (await sendLoad(server, scenario, seconds)).responses
  await load()
  const before = await server.readUsage()
  const responses = await load()
  const cpu = ((await server.readUsage()).cpu - before.cpu) / responses

  await ask(server, 'sample time')
  await load()
  const time = await ask(server, 'tell samples')
  await ask(server, 'sample allocations')
  const allocating = await load()
  const allocations = scaled(await ask(server, 'tell samples'), 1 / allocating)
  return { cpu, bytes: sum(allocations), time: scaled(time, cpu / sum(time)), allocations }
}

async function ask(server: ServerProcess, question: ProfilerQuestion): Promise<readonly Frame[]> {
  return (await server.ask(question, 'samples')).frames
}

function scaled(frames: readonly Frame[], factor: number): Frame[] {
  return frames.map(frame => ({ ...frame, weight: frame.weight * factor }))
}

function sum(frames: readonly Frame[]): number {
  return frames.reduce((total, { weight }) => total + weight, 0)
}
