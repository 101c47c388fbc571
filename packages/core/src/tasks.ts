import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { taskChannel } from './task-trace.ts'
import { UsageError } from './usage-error.ts'

/** How an application bounds its background tasks. */
export interface TasksOptions {
  /** How many run at once; default 100. */
  readonly limit?: number | undefined
  /** How many wait for their turn before `spawn` itself waits; default 10,000. */
  readonly pendingLimit?: number | undefined
}

/** How one task runs. */
export interface SpawnOptions {
  /** After how many milliseconds of running its AbortSignal fires; default: never. */
  readonly timeout?: number | undefined
}

/** The work of a task. The AbortSignal fires when it should end: shutdown, timeout, or {@link Task.abort}. */
export type TaskWork = (signal: AbortSignal) => unknown

/** A task that was spawned. */
export interface Task {
  /** Shown in logs. */
  readonly name: string
  /** Where it stands. */
  readonly state: 'pending' | 'running' | 'ended'
  /** What it failed with, once it has ended. */
  readonly error: unknown
  /** The stack of where it was spawned: in debug mode, and in tests. */
  readonly spawnedAt: string | undefined
  /** Settles when it has ended, however; never rejects. */
  readonly ended: Promise<void>
  /** Fires its AbortSignal; one that has not begun never will. */
  abort(): void
}

/** The `reason` of a task's AbortSignal. */
export class TaskAborted extends Error {
  /** Who or what wants it to end. */
  readonly abortCause: 'shutdown' | 'timeout' | 'abort'

  constructor(abortCause: 'shutdown' | 'timeout' | 'abort') {
    super(MESSAGES[abortCause])
    this.name = 'AbortError' // what libraries that take an AbortSignal look for
    this.abortCause = abortCause
  }
}

const MESSAGES = {
  shutdown: 'The application is shutting down',
  timeout: 'The task took longer than its time limit',
  abort: 'The task was aborted',
}

const DEFAULTS = { limit: 100, pendingLimit: 10_000 } satisfies TasksOptions

/** What {@link Tasks} needs of the application that it belongs to. */
export interface TasksOwner {
  readonly name: string
  readonly logger: Logger
  /** Whether tasks remember where they were spawned. */
  readonly recordsOrigins: boolean
  readonly clock: Clock
}

/**
 * Work that goes on beside requests: tracked, bounded, and ended with the application. What a task throws is logged
 * and counted, never an unhandled rejection. At shutdown every task's AbortSignal fires, and the application waits
 * for tasks, up to the runner's deadline, before anything is torn down.
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 *
 * const app = new Application()
 * app.post('/orders', async request => {
 *   await request.app.tasks.spawn('send confirmation', async signal => {
 *     signal.throwIfAborted()
 *   })
 *   return text('ordered', { status: 202 })
 * })
 * ```
 */
export class Tasks {
  readonly #owner: TasksOwner
  readonly #limit: number
  readonly #pendingLimit: number
  readonly #running = new Set<RunningTask>()
  readonly #pending: RunningTask[] = []
  #waitingForRoom: (() => void)[] = []
  #waitingForEnd: (() => void)[] = []
  #failed = 0
  #isOpen = false
  #isStopping = false

  /** @internal An application makes its own. */
  constructor(owner: TasksOwner, options: TasksOptions = {}) {
    this.#owner = owner
    this.#limit = validLimit('limit', options.limit ?? DEFAULTS.limit, 1)
    this.#pendingLimit = validLimit('pendingLimit', options.pendingLimit ?? DEFAULTS.pendingLimit, 0)
  }

  /** Tasks that are running, oldest first. */
  get running(): readonly Task[] {
    return [...this.#running]
  }

  /** Tasks that wait for their turn, oldest first. */
  get pending(): readonly Task[] {
    return [...this.#pending]
  }

  /** How many have failed since the application was made. */
  get failed(): number {
    return this.#failed
  }

  /**
   * Runs work in the background, at once or after those before it. Settles when it was accepted, which takes time
   * only when `pendingLimit` tasks wait already: awaiting it slows down whoever produces too much.
   *
   * @param name shown in logs
   * @throws UsageError `ERR_TASKS_CLOSED` before startup and after the application has been torn down
   */
  async spawn(name: string, work: TaskWork, options: SpawnOptions = {}): Promise<Task> {
    this.#assertOpen(name)
    const task = new RunningTask(name, work, options, this.#owner)
    while (this.#running.size >= this.#limit && this.#pending.length >= this.#pendingLimit) {
      await new Promise<void>(resolve => this.#waitingForRoom.push(resolve))
      this.#assertOpen(name)
    }
    if (this.#isStopping) task.stop(new TaskAborted('shutdown'))
    this.#pending.push(task)
    this.#startNext()
    return task
  }

  /** @internal The application starts. */
  open(): void {
    this.#isOpen = true
    this.#isStopping = false
  }

  /** @internal Fires every AbortSignal; tasks that come from now on find theirs fired. */
  stop(): void {
    this.#isStopping = true
    for (const task of [...this.#running, ...this.#pending]) task.stop(new TaskAborted('shutdown'))
  }

  /** @internal Settles when no task is left. */
  async idle(): Promise<void> {
    while (this.#running.size + this.#pending.length > 0) {
      await new Promise<void>(resolve => this.#waitingForEnd.push(resolve))
    }
  }

  /** @internal The application is torn down: what still runs is named in the log and left behind. */
  close(): void {
    this.#isOpen = false
    for (const { name } of this.#running)
      this.#owner.logger.warn({ task: name }, 'A task outlived its application')
    this.#pending.length = 0
    this.#wake()
  }

  #assertOpen(name: string): void {
    if (this.#isOpen) return
    throw new UsageError(
      'ERR_TASKS_CLOSED',
      `Cannot spawn task "${name}": "${this.#owner.name}" is not running`,
    )
  }

  #startNext(): void {
    while (this.#running.size < this.#limit && this.#pending.length > 0) {
      const task = this.#pending.shift()!
      this.#running.add(task)
      void task.run().then(() => this.#settle(task))
    }
  }

  #settle(task: RunningTask): void {
    this.#running.delete(task)
    if (task.error !== undefined && !task.isAbort(task.error)) {
      this.#failed++
      const origin = task.spawnedAt === undefined ? {} : { spawnedAt: task.spawnedAt }
      this.#owner.logger.error({ task: task.name, err: task.error, ...origin }, 'A task failed')
    }
    task.markEnded()
    this.#startNext()
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#waitingForRoom, ...this.#waitingForEnd]
    this.#waitingForRoom = []
    this.#waitingForEnd = []
    for (const resume of waiting) resume()
  }
}

class RunningTask implements Task {
  readonly name: string
  readonly ended: Promise<void>
  readonly spawnedAt: string | undefined
  state: 'pending' | 'running' | 'ended' = 'pending'
  error: unknown = undefined
  readonly #work: TaskWork
  readonly #timeout: number | undefined
  readonly #clock: Clock
  readonly #abort = new AbortController()
  #resolveEnded!: () => void

  constructor(
    name: string,
    work: TaskWork,
    { timeout }: SpawnOptions,
    { clock, recordsOrigins }: TasksOwner,
  ) {
    this.name = name
    this.#work = work
    this.#timeout = timeout
    this.#clock = clock
    this.spawnedAt = recordsOrigins ? new Error('Spawned').stack : undefined
    this.ended = new Promise(resolve => (this.#resolveEnded = resolve))
  }

  abort(): void {
    this.stop(new TaskAborted('abort'))
  }

  stop(reason: TaskAborted): void {
    this.#abort.abort(reason)
  }

  /** Whether it ended only because it was told to. */
  isAbort(error: unknown): boolean {
    return this.#abort.signal.aborted && (error === this.#abort.signal.reason || isAbortError(error))
  }

  async run(): Promise<void> {
    const { signal } = this.#abort
    const timer =
      this.#timeout === undefined
        ? undefined
        : this.#clock.setTimer(() => this.stop(new TaskAborted('timeout')), this.#timeout)
    this.state = 'running'
    try {
      if ((signal.reason as Partial<TaskAborted> | undefined)?.abortCause !== 'abort') {
        await taskChannel.tracePromise(async () => this.#work(signal), { name: this.name })
      }
    } catch (error) {
      this.error = error ?? new Error(`Task "${this.name}" threw ${error}`)
    } finally {
      timer?.clear()
    }
  }

  markEnded(): void {
    this.state = 'ended'
    this.#resolveEnded()
  }
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function validLimit(name: string, value: number, least: number): number {
  if (value >= least && !Number.isNaN(value)) return value
  throw new RangeError(`Cannot set the tasks' ${name} to ${value}: it is ${least} or more`)
}
