import process from 'node:process'

/** What a worker tells its parent. */
export type WorkerReport =
  | { readonly allium: 'hearing' }
  | { readonly allium: 'listening'; readonly url: string }
  | { readonly allium: 'failed'; readonly reason: string }
  | { readonly allium: 'leaving' }

/** What a parent tells a worker. */
export interface WorkerOrder {
  readonly allium: 'stop' | 'leave'
  /** How long idle connections are kept at a stop, in milliseconds, when clients have somewhere else to go. */
  readonly idleGrace?: number | undefined
}

/** Set in the environment of the processes that the parent starts. */
export const WORKER_VARIABLE = 'ALLIUM_WORKER'

/** Whether a process with this environment was started by a parent of workers. */
export function isWorker(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment[WORKER_VARIABLE] !== undefined
}

/** A worker's end of the line to its parent, who sends nothing before the worker has said that it hears. */
export class WorkerLink {
  /** Settles when it is time to stop, with how long idle connections are kept, where the parent says so. */
  readonly ended: Promise<number | undefined>
  readonly #mayLeave: Promise<void>

  /** The link of this process, when it is a worker of ours. */
  static find(): WorkerLink | undefined {
    return isWorker() && process.connected ? new WorkerLink() : undefined
  }

  constructor() {
    this.ended = new Promise(resolve => {
      onOrder('stop', ({ idleGrace }) => resolve(idleGrace))
      process.on('disconnect', () => resolve(undefined)) // a worker does not outlive its parent (P52)
    })
    this.#mayLeave = new Promise(resolve => onOrder('leave', () => resolve()))
    void this.report({ allium: 'hearing' })
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
    await this.report({ allium: 'leaving' })
    if (process.connected) await this.#mayLeave
  }
}

function onOrder(name: WorkerOrder['allium'], listener: (order: WorkerOrder) => void): void {
  process.on('message', message => {
    const order = message as WorkerOrder | null
    if (order?.allium === name) listener(order)
  })
}
