import { availableParallelism } from 'node:os'
import process from 'node:process'

import { AppRunner } from './app-runner.ts'
import type { Application } from './application.ts'
import { systemClock } from './clock.ts'
import type { Timer } from './clock.ts'
import { applyDebugMode } from './debug-mode.ts'
import { describe } from './describe.ts'
import type { ListenTarget } from './listen-target.ts'
import { bearLostOutput } from './lost-output.ts'
import { resolveLimits } from './runner-options.ts'
import type { AppRunnerOptions } from './runner-options.ts'
import { superviseWorkers } from './supervise-workers.ts'
import { WorkerLink } from './worker-link.ts'

/** What {@link runApp} can be given. */
export interface RunAppOptions extends AppRunnerOptions, ListenTarget {
  /**
   * How many processes serve, `'auto'` for one on each processor; default 1, this one. More than one needs a function
   * that makes the application, and a program that may run several times: see {@link runApp}.
   */
  readonly workers?: number | 'auto' | undefined
  /** Several places to listen, instead of the one that the other options describe. */
  readonly targets?: readonly ListenTarget[] | undefined
  /** Stops the server when it aborts, as SIGTERM does. */
  readonly signal?: AbortSignal | undefined
  /** Writes the line with the URL; default: standard output. `null` for silence. */
  readonly print?: ((line: string) => void) | null | undefined
  /**
   * Is told of the runner once it listens everywhere, before the line is written: for its `addresses`, `counts` and
   * `refreshCertificates`. With workers, each tells in its own process. What it throws ends the start.
   */
  readonly onListening?: ((runner: AppRunner) => void) | undefined
}

// SIGHUP is what a terminal that closes sends, and would end the process in the middle of an answer. systemd can send
// it along with SIGTERM (SendSIGHUP), and it may arrive first: it does not count towards the second signal, which forces.
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** How long after the deadline the process ends by force, in milliseconds: clean-ups have their 900 before. */
const EXIT_GRACE = 950

/**
 * Serves an application until SIGINT, SIGTERM or SIGHUP, then stops gracefully and resolves: whatever follows the
 * call runs after the clean-up. One that comes during the startup waits for its end, and nothing is listened on then. A
 * second SIGINT or SIGTERM cuts what is left and ends the process.
 *
 * While it runs, a promise rejection that nobody handles is logged and serving goes on, since any request can
 * cause one; an exception that nobody catches drains the server and ends the process with exit code 1. The exit
 * code is 1 too when the stop took longer than `shutdownTimeout`, and 0 otherwise. After an exception, or past that
 * deadline, the process is gone at most a second after `shutdownTimeout`, whatever timers and sockets of its own
 * keep it alive; after a clean stop it ends when nothing does.
 *
 * What is printed where nobody reads any more, or where the disk is full, is lost without ending the process, from then on.
 *
 * With `workers`, this process starts the others, each of which runs the whole program again, and serves nothing
 * itself: it makes no application, and what follows the call runs in it when all workers have ended. In a worker the
 * call never returns. A worker that ends is replaced, later each time; six that end in a row end the program with exit
 * code 1. SIGHUP replaces the workers one by one, without a refused connection. A second SIGINT or SIGTERM kills.
 *
 * `ALLIUM_DEBUG=1` in the environment turns debug mode on, as `debug` of the application does: a warning says so, and with
 * `NODE_ENV=production` nothing is started unless it is `ALLIUM_DEBUG=force`.
 *
 * @param app the application, or a function that makes it
 * @throws whatever the startup of the application throws, after unwinding it; an `Error` of one line when the
 *   address is taken; `UsageError` `ERR_DEBUG_IN_PRODUCTION`
 * @throws TypeError for several workers and an application that was made already, and for an empty list of
 *   targets, unless there is `onListening`, whose runner can be given connections by other means
 * @throws RangeError for a number of workers that is no whole number above 0, and for options out of range
 *
 * @example
 * ```ts
 * import { Application, runApp, text } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/', () => text('hello'))
 * await runApp(app, { host: '127.0.0.1', port: 8080 })
 * ```
 */
export async function runApp(
  app: Application | (() => Application | Promise<Application>),
  options: RunAppOptions = {},
): Promise<void> {
  const { signal, print, onListening, workers, targets = [options], ...runnerOptions } = options
  const { shutdownTimeout } = resolveLimits(runnerOptions)
  if (targets.length === 0 && !onListening) {
    throw new TypeError('Cannot run an application: the list of targets is empty')
  }
  const count = workerCount(workers)
  const link = WorkerLink.find()
  if (count > 1 && typeof app !== 'function') throw notAFunction(count)
  if (count > 1 && !link) {
    const tell = (address: string) => announce(print, address)
    return superviseWorkers({ count, targets, shutdownTimeout, signal, announce: tell })
  }

  const application = await makeApplication(app, link)
  const runner = new AppRunner(application, runnerOptions)
  const run = new ProcessRun(application, shutdownTimeout, signal, link)
  try {
    applyDebugMode(application, process.env)
    await runner.startup()
    if (!run.isEnding && (await listenAll(runner, targets, onListening, run))) {
      const url = runner.addresses.map(address => address.url).join(', ')
      if (link) await link.report({ allium: 'listening', url })
      else announce(print, url)
    }
    await runner.stop({ idleGrace: await run.ended })
    if (runner.wasForced) run.fail()
  } catch (error) {
    if (link) await endWorker(link, error)
    throw error
  } finally {
    run.forget()
  }
  if (link) await endWorker(link)
}

function announce(print: RunAppOptions['print'], address: string): void {
  const line = `Listening on ${address}`
  if (print === undefined) process.stdout.write(`${line}\n`)
  else print?.(line)
}

async function makeApplication(
  app: Application | (() => Application | Promise<Application>),
  link: WorkerLink | undefined,
): Promise<Application> {
  if (typeof app !== 'function') return app
  try {
    return await app()
  } catch (error) {
    if (link) await endWorker(link, error)
    throw error
  }
}

/** A worker's program ends here: what follows the call is the parent's to run. */
async function endWorker(link: WorkerLink, error?: unknown): Promise<never> {
  if (error !== undefined) await link.report({ allium: 'failed', reason: describe(error) })
  await link.leave()
  process.exit(error === undefined ? process.exitCode : 1)
}

function workerCount(workers: RunAppOptions['workers']): number {
  if (workers === 'auto') return availableParallelism()
  if (workers === undefined) return 1
  if (Number.isInteger(workers) && workers > 0) return workers
  throw new RangeError(`Cannot run ${workers} workers: the number is a whole one above 0`)
}

function notAFunction(count: number): TypeError {
  return new TypeError(
    `Cannot run an application in ${count} workers: give runApp a function that makes it, for each worker to call`,
  )
}

/** Whether it listens everywhere: not in a worker whose parent stops, and has closed what it would listen on. */
async function listenAll(
  runner: AppRunner,
  targets: readonly ListenTarget[],
  onListening: RunAppOptions['onListening'],
  run: ProcessRun,
): Promise<boolean> {
  try {
    for (const target of targets) await runner.listen(target)
    onListening?.(runner)
    return true
  } catch (error) {
    await runner.stop()
    const isClosed = run.isWorker && run.isEnding && runner.addresses.length < targets.length
    if (isClosed) return false
    throw error
  }
}

/** What the process has to do with a run. Holds the only process listeners that Allium ever installs, while it lasts. */
class ProcessRun {
  /** Settles when it is time to stop, with how long idle connections are kept, where the parent says so. */
  readonly ended: Promise<number | undefined>
  /** Whether it is a parent who decides when it is over. */
  readonly isWorker: boolean
  readonly #app: Application
  readonly #shutdownTimeout: number
  readonly #signal: AbortSignal | undefined
  #end!: (idleGrace?: number) => void
  #isEnding = false
  #wasAsked = false
  #hasFailed = false
  #watchdog: Timer | undefined

  constructor(
    app: Application,
    shutdownTimeout: number,
    signal: AbortSignal | undefined,
    link: WorkerLink | undefined,
  ) {
    this.#app = app
    this.#shutdownTimeout = shutdownTimeout
    this.#signal = signal
    this.isWorker = link !== undefined
    this.ended = new Promise(resolve => (this.#end = resolve))
    void link?.ended.then(idleGrace => this.#stop(idleGrace))
    bearLostOutput()
    for (const name of STOP_SIGNALS) process.on(name, this.#onStopSignal)
    process.on('uncaughtException', this.#onException).on('unhandledRejection', this.#onRejection)
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) this.#stop()
  }

  /** Whether it is time to stop. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** The exit code is 1, and what is left gets no more time than was promised. */
  fail(): void {
    this.#hasFailed = true
    process.exitCode = 1
  }

  forget(): void {
    for (const name of STOP_SIGNALS) process.off(name, this.#onStopSignal)
    process.off('uncaughtException', this.#onException).off('unhandledRejection', this.#onRejection)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    if (!this.#hasFailed) this.#watchdog?.clear()
  }

  #stop(idleGrace?: number): void {
    this.#isEnding = true
    // Keeps no process alive that has nothing else to do.
    this.#watchdog ??= systemClock.setTimer(() => this.#giveUp(), this.#shutdownTimeout + EXIT_GRACE)
    this.#end(idleGrace)
  }

  readonly #onAbort = (): void => this.#stop()

  readonly #onStopSignal = (name: NodeJS.Signals): void => {
    // A terminal sends SIGINT and SIGHUP to the whole group: for the workers it is their parent who decides.
    if (this.isWorker && name !== 'SIGTERM') return
    if (name !== 'SIGHUP') {
      if (this.#wasAsked) process.exit(1)
      this.#wasAsked = true
    }
    this.#stop()
  }

  readonly #onException = (err: unknown): void => {
    this.#app.logger.error({ err }, 'An exception was not caught: stopping')
    this.fail()
    this.#stop()
  }

  readonly #onRejection = (err: unknown, promise: Promise<unknown>): void => {
    const createdAt = this.#app.debugWatch?.framesOf(promise)
    this.#app.logger.error({ err, createdAt }, 'A promise rejection was not handled')
  }

  #giveUp(): void {
    const { logger } = this.#app
    logger.error({ shutdownTimeout: this.#shutdownTimeout }, 'The process did not end in time: ending it')
    process.exit(1)
  }
}
