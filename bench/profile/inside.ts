/** Comes with `--import` into the process of a server and samples it, for as long as the bench says. */
import { Session } from 'node:inspector/promises'
import type { HeapProfiler, Profiler } from 'node:inspector'

import { mergeFrames } from './frames.ts'
import type { Frame } from './frames.ts'
import type { ProfilerQuestion, Samples } from './messages.ts'

/** Between two samples of the stack, in microseconds. */
const INTERVAL = 250

/** Everything that is allocated, not only what is left; one sample in so many bytes. */
const ALLOCATIONS = {
  samplingInterval: 16 * 1024,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
}

const session = new Session()
session.connect()
let finish: () => Promise<readonly Frame[]>

process.on('message', (question: ProfilerQuestion) => {
  if (question === 'sample time') void sampleTime().then(() => tell([]))
  if (question === 'sample allocations') void sampleAllocations().then(() => tell([]))
  if (question === 'tell samples') void finish().then(tell)
})

async function sampleTime(): Promise<void> {
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
  await session.post('Profiler.start')
  finish = async () => timeFrames((await session.post('Profiler.stop')).profile)
}

async function sampleAllocations(): Promise<void> {
  await session.post('HeapProfiler.startSampling', ALLOCATIONS)
  finish = async () => [...allocationFrames((await session.post('HeapProfiler.stopSampling')).profile.head)]
}

function timeFrames({ nodes }: Profiler.Profile): Frame[] {
  return nodes
    .map(({ callFrame: { functionName: name, url }, hitCount = 0 }) => ({ name, url, weight: hitCount }))
    .filter(({ name }) => name !== '(idle)')
}

function* allocationFrames(node: HeapProfiler.SamplingHeapProfileNode): Iterable<Frame> {
  yield { name: node.callFrame.functionName, url: node.callFrame.url, weight: node.selfSize }
  for (const child of node.children) yield* allocationFrames(child)
}

function tell(frames: readonly Frame[]): void {
  const samples: Samples = { kind: 'samples', frames: mergeFrames(frames) }
  process.send!(samples)
}
