import process from 'node:process'

/** What a worker tells its parent. */
export type WorkerReport =
  | { readonly allium: 'listening'; readonly url: string }
  | { readonly allium: 'failed'; readonly reason: string }

/** What a parent tells a worker. */
export interface WorkerOrder {
  readonly allium: 'stop'
  /** How long idle connections are kept, in milliseconds, when clients have somewhere else to go. */
  readonly idleGrace?: number | undefined
}

/** Set in the environment of the processes that the parent starts. */
export const WORKER_VARIABLE = 'ALLIUM_WORKER'

/** A worker's end of the line to its parent. */
export class WorkerLink {
  /** The link of this process, when it is a worker of ours. */
  static find(): WorkerLink | undefined {
    return process.env[WORKER_VARIABLE] !== undefined && process.connected ? new WorkerLink() : undefined
  }

  /** Calls back when the parent says so, or has gone: a worker does not outlive it (P52). */
  onStop(stop: (idleGrace?: number) => void): void {
    process.on('message', message => {
      const order = message as Partial<WorkerOrder> | null
      if (order?.allium === 'stop') stop(order.idleGrace)
    })
    process.on('disconnect', () => stop())
  }

  /** Tells the parent, and settles when it is on its way. */
  report(report: WorkerReport): Promise<void> {
    return new Promise(resolve => {
      if (process.connected) process.send!(report, undefined, {}, () => resolve())
      else resolve()
    })
  }

  /** Lets go of the parent, so that the process can end. */
  close(): void {
    if (process.connected) process.disconnect()
  }
}
