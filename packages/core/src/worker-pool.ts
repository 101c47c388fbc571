import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'

import { systemClock } from './clock.ts'
import type { Logger } from './logger.ts'
import { WORKER_VARIABLE } from './worker-link.ts'
import type { WorkerOrder, WorkerReport } from './worker-link.ts'

/** How a pool runs its workers; times are in milliseconds. */
export interface WorkerPoolOptions {
  /** How many processes. */
  readonly count: number
  /** How long a worker may take to stop before it is killed. */
  readonly shutdownTimeout: number
  readonly logger: Logger
}

/** A worker that lives this long has recovered from whatever befell the one before. */
const HEALTHY_AFTER = 30_000
const FIRST_DELAY = 100
const LONGEST_DELAY = 5000
/** So many deaths in a row, none of them after a healthy life, and nothing will get better. */
const MAX_DEATHS = 6
/** What a worker gets on top of its own time to stop. */
const KILL_GRACE = 2000
/** How long a replaced worker keeps idle connections, each closed by its next answer. */
const ROLLING_IDLE_GRACE = 5000

/**
 * Processes that run the same program and share its addresses: replaced when they crash, one by one when asked to,
 * and gone when this one goes.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #workers = new Set<PoolWorker>()
  #isStopping = false
  #deaths = 0
  #replacing: Promise<void> | undefined
  #fail!: (error: Error) => void
  /** Rejects when the workers die faster than they can be replaced. */
  readonly failed: Promise<never>

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.failed.catch(() => {}) // whoever waits hears of it; nobody may
  }

  /**
   * Starts all workers; settles when they listen.
   *
   * @returns the address
   * @throws Error with the reason of the first worker that cannot start; the others are stopped then
   */
  async start(): Promise<string> {
    const starting = Array.from({ length: this.#options.count }, () => this.#launch().listening)
    try {
      const [url] = await Promise.all(starting)
      return url!
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Whether a worker had to be killed. */
  wasForced = false

  /** Stops all workers, by force those that take too long; settles when none is left. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all([...this.#workers].map(worker => this.#stopWorker(worker)))
  }

  /** Ends all workers at once. */
  kill(): void {
    this.#isStopping = true
    for (const worker of this.#workers) worker.kill()
  }

  /**
   * Replaces the workers one by one: a new one listens before an old one stops. When a new one cannot start, the old
   * ones stay.
   */
  replaceAll(): Promise<void> {
    return (this.#replacing ??= this.#replaceAll().finally(() => (this.#replacing = undefined)))
  }

  async #replaceAll(): Promise<void> {
    const { logger } = this.#options
    for (const old of [...this.#workers]) {
      if (this.#isStopping) return
      const successor = this.#launch()
      old.isReplaced = true
      try {
        await successor.listening
      } catch (err) {
        if (this.#isStopping) return
        old.isReplaced = false
        logger.error({ err }, 'A new worker could not start: the old ones stay')
        return
      }
      await this.#stopWorker(old, ROLLING_IDLE_GRACE)
    }
    logger.info({ workers: this.#workers.size }, 'All workers were replaced')
  }

  #launch(): PoolWorker {
    const worker = new PoolWorker()
    this.#workers.add(worker)
    void worker.ended.then(how => this.#bury(worker, how))
    return worker
  }

  #bury(worker: PoolWorker, how: string): void {
    this.#workers.delete(worker)
    if (this.#isStopping || worker.isReplaced || !worker.wasListening) return
    if (performance.now() - worker.startedAt > HEALTHY_AFTER) this.#deaths = 0
    this.#reviveAfter(how)
  }

  #reviveAfter(how: string): void {
    const { logger } = this.#options
    if (++this.#deaths > MAX_DEATHS) {
      this.#fail(
        new Error(`Cannot keep workers running: ${MAX_DEATHS} ended in a row, the last one with ${how}`),
      )
      return
    }
    const delay = Math.min(FIRST_DELAY * 2 ** (this.#deaths - 1), LONGEST_DELAY)
    logger.error({ how, delay }, 'A worker has ended: replacing it')
    systemClock.setTimer(() => void this.#revive(), delay, { keepsAlive: true })
  }

  async #revive(): Promise<void> {
    if (this.#isStopping) return
    try {
      await this.#launch().listening
    } catch (error) {
      if (!this.#isStopping) this.#reviveAfter((error as Error).message)
    }
  }

  async #stopWorker(worker: PoolWorker, idleGrace?: number): Promise<void> {
    worker.send({ allium: 'stop', idleGrace })
    const limit = this.#options.shutdownTimeout + KILL_GRACE
    const timer = systemClock.setTimer(
      () => {
        this.wasForced = true
        worker.kill()
      },
      limit,
      { keepsAlive: true },
    )
    const how = await worker.ended
    // By the signal itself ends who was not yet ready for it: a service manager sends it to all processes at once.
    if (how !== 'exit code 0' && how !== 'signal SIGTERM') this.wasForced = true
    timer.clear()
  }
}

/** One process of a pool. */
class PoolWorker {
  readonly startedAt: number = performance.now()
  /** Settles with its address when it listens; rejects when it ends before that. */
  readonly listening: Promise<string>
  /** Settles when it has ended, with how: its exit code or the signal that ended it. */
  readonly ended: Promise<string>
  isReplaced = false
  wasListening = false
  readonly #worker: Worker
  /** Settles when it hears orders: one that comes before is lost, since `node:cluster` listens to the process already. */
  readonly #hearing: Promise<void>

  constructor() {
    this.#worker = cluster.fork({ [WORKER_VARIABLE]: '1' })
    this.ended = new Promise(resolve => {
      this.#worker.on('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`))
    })
    this.listening = new Promise((resolve, reject) => {
      let reason: string | undefined
      this.#worker.on('message', (message: WorkerReport | null) => {
        if (message?.allium === 'failed') reason = message.reason
        if (message?.allium === 'leaving') this.send({ allium: 'leave' })
        if (message?.allium !== 'listening') return
        this.wasListening = true
        resolve(message.url)
      })
      void this.ended.then(how => reject(startError(reason ?? `it ended with ${how}`)))
    })
    this.#hearing = new Promise(resolve => {
      this.#worker.on('message', (message: WorkerReport | null) => {
        if (message?.allium === 'hearing') resolve()
      })
    })
    this.#worker.on('error', () => {}) // a message to a process that has just ended
  }

  /** Orders it to do that, as soon as it hears. */
  send(order: WorkerOrder): void {
    void this.#hearing.then(() => {
      if (this.#worker.isConnected()) this.#worker.send(order)
    })
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }
}

/** The stack is the worker's own: where this process waited for it helps nobody. */
function startError(reason: string): Error {
  const error = new Error(`A worker could not start: ${reason}`)
  error.stack = error.message
  return error
}
