import { tracingChannel } from 'node:diagnostics_channel'
import type { TracingChannel } from 'node:diagnostics_channel'

/** What `tracing:allium.task:…` events carry; one object for all events of a task. */
export interface TaskTrace {
  /** The task's name. */
  readonly name: string
  /** What it threw, in `error`. */
  error?: unknown
}

/** Where tasks tell what they do; users know it as `tracing.task`. */
export const taskChannel: TracingChannel<unknown, TaskTrace> = tracingChannel<unknown, TaskTrace>(
  'allium.task',
)
