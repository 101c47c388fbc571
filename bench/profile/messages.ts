import type { Frame } from './frames.ts'

/** What the bench says to a server that is profiled. */
export type ProfilerQuestion = 'sample time' | 'sample allocations' | 'tell samples'

/** What it answers: what it has sampled, which is nothing when it only begins to. */
export interface Samples {
  readonly kind: 'samples'
  readonly frames: readonly Frame[]
}
