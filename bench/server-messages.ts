import type { Samples } from './profile/messages.ts'

/** What a server under test says to the bench over IPC. */
export type ServerMessage = Listening | Usage | Memory | Samples

/** It accepts connections. */
export interface Listening {
  readonly kind: 'listening'
  readonly port: number
}

/** What its process has used since it began. */
export interface Usage {
  readonly kind: 'usage'
  /** User and system time, in microseconds. */
  readonly cpu: number
  /** The most memory the process has held, in bytes. */
  readonly peakMemory: number
}

/** What its process holds now that nothing needless is left. */
export interface Memory {
  readonly kind: 'memory'
  /** Resident, in bytes. */
  readonly resident: number
}

/** What the bench says to a server: tell your usage. */
export const TELL_USAGE = 'usage'
/** What the bench says to a server: collect the garbage, then tell what is left. */
export const TELL_MEMORY = 'memory'
