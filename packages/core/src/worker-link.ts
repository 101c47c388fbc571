import process from 'node:process'

/** What a worker tells its parent. */
export type WorkerReport =
  | { readonly allium: 'listening'; readonly url: string }
  | { readonly allium: 'failed'; readonly reason: string }
  | { readonly allium: 'leaving' }

/** What a parent tells a worker. */
export type WorkerOrder =
  | {
      readonly allium: 'stop'
      /** How long idle connections are kept, in milliseconds, when clients have somewhere else to go. */
      readonly idleGrace?: number | undefined
    }
  | { readonly allium: 'leave' }

/** Set in the environment of the processes that the parent starts. */
export const WORKER_VARIABLE = 'ALLIUM_WORKER'

/** Whether a process with this environment was started by a parent of workers. */
export function isWorker(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment[WORKER_VARIABLE] !== undefined
}

/** A worker's end of the line to its parent. */
export class WorkerLink {
  /** The link of this process, when it is a worker of ours. */
  static find(): WorkerLink | undefined {
    return isWorker() && process.connected ? new WorkerLink() : undefined
  }

  /** Calls back when the parent says so, or has gone: a worker does not outlive it (P52). */
  onStop(stop: (idleGrace?: number) => void): void {
    process.on('message', message => {
      const order = message as WorkerOrder | null
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

  /**
   * Asks the parent for leave to end, and settles when it has answered. By then it has heard that nobody listens here, and
   * whatever connection it had sent before has come back to it: one on its way to a process that ends would be lost.
   */
  async leave(): Promise<void> {
    const answered = new Promise<void>(resolve => {
      process.on('message', message => {
        if ((message as WorkerOrder | null)?.allium === 'leave') resolve()
      })
    })
    await this.report({ allium: 'leaving' })
    if (process.connected) await answered
  }
}
