import process from 'node:process'

import { removeStaleSocket } from './listen-target.ts'
import type { ListenTarget } from './listen-target.ts'
import { createLogger } from './logger.ts'
import { bearLostOutput } from './lost-output.ts'
import { SharedListeners } from './shared-listeners.ts'
import { WorkerPool } from './worker-pool.ts'

/** What the parent of workers needs to know. */
export interface SupervisionOptions {
  readonly count: number
  /** Where the workers listen. */
  readonly targets: readonly ListenTarget[]
  readonly shutdownTimeout: number
  readonly signal: AbortSignal | undefined
  /** Tells where the workers listen. */
  readonly announce: (address: string) => void
}

/**
 * What the parent of workers does until it is told to stop: it makes no application and serves nothing. Sets the exit
 * code to 1 when a worker did not stop by itself.
 *
 * @throws Error when the workers cannot start, or die faster than they can be replaced
 */
export async function superviseWorkers(options: SupervisionOptions): Promise<void> {
  const { count, targets, shutdownTimeout, signal, announce } = options
  const listeners = new SharedListeners()
  const pool = new WorkerPool({ count, shutdownTimeout, logger: createLogger() })
  const run = new ParentRun(pool, signal)
  try {
    for (const { path } of targets) if (path !== undefined) await removeStaleSocket(path)
    const url = await Promise.race([pool.start(), run.ended])
    if (url !== undefined) {
      announce(`${url} (${count} workers)`)
      await Promise.race([run.ended, pool.failed])
    }
  } finally {
    await Promise.all([pool.stop(), listeners.drain()])
    if (pool.wasForced) process.exitCode = 1
    run.forget()
  }
}

/** The signals of the process that is the parent of workers. */
class ParentRun {
  /** Settles when it is time to stop. */
  readonly ended: Promise<undefined>
  readonly #pool: WorkerPool
  readonly #signal: AbortSignal | undefined
  #end!: () => void
  #isEnding = false

  constructor(pool: WorkerPool, signal: AbortSignal | undefined) {
    this.#pool = pool
    this.#signal = signal
    this.ended = new Promise(resolve => (this.#end = () => resolve(undefined)))
    bearLostOutput()
    process.on('SIGINT', this.#onStopSignal).on('SIGTERM', this.#onStopSignal).on('SIGHUP', this.#onHangUp)
    signal?.addEventListener('abort', this.#end, { once: true })
    if (signal?.aborted) this.#end()
  }

  forget(): void {
    process.off('SIGINT', this.#onStopSignal).off('SIGTERM', this.#onStopSignal).off('SIGHUP', this.#onHangUp)
    this.#signal?.removeEventListener('abort', this.#end)
  }

  readonly #onStopSignal = (): void => {
    if (this.#isEnding) {
      this.#pool.kill()
      process.exit(1)
    }
    this.#isEnding = true
    this.#end()
  }

  readonly #onHangUp = (): void => void this.#pool.replaceAll()
}
