import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Duplex } from 'node:stream'

import { accessLogText } from './access-log.ts'
import type { AccessLog } from './access-log.ts'
import { allowedHosts } from './allowed-hosts.ts'
import type { StartupOptions } from './application-options.ts'
import type { Application } from './application.ts'
import { closeListener } from './close-listener.ts'
import { Edge } from './edge.ts'
import type { PendingTeardown } from './cleanup-context.ts'
import { addressOf, listen } from './listen-target.ts'
import type { ListenAddress, ListenTarget } from './listen-target.ts'
import { createNodeServer, createSecureServer, createUnlistenedServer } from './node-server.ts'
import type { RunnerCounts } from './runner-counts.ts'
import { resolveLimits } from './runner-options.ts'
import type { AppRunnerOptions, RunnerLimits } from './runner-options.ts'
import type { Task } from './tasks.ts'
import type { LeftFile } from './temporary-files.ts'
import { TlsCertificate } from './tls.ts'
import type { TlsOptions } from './tls.ts'
import { UsageError } from './usage-error.ts'

/** What an application was left with when its time to stop was over. */
export interface Unfinished {
  /** Background tasks that do not react to their AbortSignal. */
  readonly tasks: readonly Task[]
  /** Cleanup contexts and provided keys, the one that does not end first, then those that it holds up. */
  readonly cleanups: readonly PendingTeardown[]
  /** Uploaded files on the disk whose requests were not over. They have been removed. */
  readonly files: readonly LeftFile[]
}

/** What clean-ups get, in milliseconds, when handlers have used up the whole time to stop. */
const CLEANUP_GRACE = 900

/**
 * Serves an application on any number of addresses, and stops it gracefully; `runApp` and the test client are made
 * of it. Installs no process listeners.
 *
 * @example
 * ```ts
 * import { AppRunner, Application, text } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/', () => text('hello'))
 *
 * const runner = new AppRunner(app)
 * await runner.startup()
 * const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })
 * console.log(await (await fetch(url)).text())
 * await runner.stop()
 * ```
 */
export class AppRunner implements AsyncDisposable {
  readonly #app: Application
  readonly #limits: RunnerLimits
  readonly #startup: StartupOptions
  readonly #servers: (Server | SecureServer)[] = []
  readonly #addresses: ListenAddress[] = []
  readonly #certificates = new Map<SecureServer, TlsCertificate>()
  readonly #handshaking = new Set<Duplex>()
  readonly #edge: Edge
  #unlistened: Server | undefined
  #phase: 'new' | 'running' | 'stopping' = 'new'
  #stopped: Promise<void> | undefined
  #wasForced = false
  readonly #forced = withResolvers<'late'>()

  /**
   * @throws RangeError for a number that is out of range, or a `headersTimeout` over the `requestTimeout`
   * @throws TypeError for an allowed host that is none
   */
  constructor(app: Application, options: AppRunnerOptions = {}) {
    this.#app = app
    this.#startup = options
    this.#limits = resolveLimits(options)
    this.#edge = new Edge(app, this.#limits, allowedHosts(options.allowedHosts), accessLogOf(options))
  }

  /** Where it listens, in the order of the {@link AppRunner.listen} calls. */
  get addresses(): ListenAddress[] {
    return [...this.#addresses]
  }

  /** What goes on at its connections: a snapshot. */
  get counts(): RunnerCounts {
    return this.#edge.counts
  }

  /** Whether stopping took longer than `shutdownTimeout`, so that connections were cut or clean-ups left behind. */
  get wasForced(): boolean {
    return this.#wasForced
  }

  /** What is still running after {@link AppRunner.stop}, because its time was over. */
  get unfinished(): Unfinished {
    const { tasks, pendingCleanups } = this.#app
    return { tasks: tasks.running, cleanups: pendingCleanups, files: this.#edge.leftFiles }
  }

  /**
   * Starts the application. After a failure nothing is left running.
   *
   * @throws whatever the startup of the application throws
   * @throws UsageError `ERR_RUNNER_STATE` when called twice
   */
  async startup(): Promise<void> {
    this.#assertPhase('new', 'start')
    this.#phase = 'running'
    try {
      await this.#app.startup(this.#startup)
    } catch (error) {
      this.#phase = 'new'
      throw error
    }
  }

  /**
   * Begins to accept connections; may be called for several addresses.
   *
   * @throws Error in one line when the address is taken or may not be used
   * @throws UsageError `ERR_RUNNER_STATE` before {@link AppRunner.startup} or once stopping
   */
  async listen(target: ListenTarget = {}): Promise<ListenAddress> {
    this.#assertPhase('running', 'listen')
    const server = target.tls
      ? await this.#createSecureServer(target.tls)
      : createNodeServer(this.#edge, this.#limits)
    await listen(server, target)
    this.#servers.push(server)
    const address = addressOf(server, target)
    this.#addresses.push(address)
    return address
  }

  /**
   * Looks at the certificate files of all TLS targets now, and not only within the next minute. New connections use
   * what has changed; what cannot be used is logged.
   */
  async refreshCertificates(): Promise<void> {
    for (const [server, certificate] of this.#certificates) await certificate.refresh(server)
  }

  /**
   * Serves a connection that is open already, such as an in-memory socket: same parser, same limits.
   *
   * @throws UsageError `ERR_RUNNER_STATE` before {@link AppRunner.startup} or once stopping
   */
  accept(socket: Duplex): void {
    this.#assertPhase('running', 'accept a connection')
    this.#unlistened ??= createUnlistenedServer(this.#edge, this.#limits)
    this.#unlistened.emit('connection', socket)
  }

  /**
   * Stops, within `shutdownTimeout` in all: no new connections, requests in progress are answered and their
   * connections closed, AbortSignals fire, `onShutdown` is sent, then everything is torn down. Calling it again
   * gives the same promise.
   *
   * @param options.idleGrace how long idle connections are kept, for a request that is on its way; default 200 ms
   * @throws what clean-ups throw, several errors as an `AggregateError`
   */
  stop(options: { readonly idleGrace?: number | undefined } = {}): Promise<void> {
    return (this.#stopped ??= this.#stop(options.idleGrace))
  }

  /** Stops: `await using runner = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Ends what waiting is left of {@link AppRunner.stop}: connections are cut, and the application is torn down. */
  force(): void {
    this.#forced.resolve('late')
  }

  async #stop(idleGrace: number | undefined): Promise<void> {
    if (this.#phase === 'new') return
    this.#phase = 'stopping'
    const deadline = this.#app.clock.elapsed() + this.#limits.shutdownTimeout
    const errors: unknown[] = []
    const collect = (error: unknown) => void errors.push(error)

    this.#app.drain()
    if (this.#limits.drainDelay > 0) await this.#app.clock.delay(this.#limits.drainDelay)
    this.#edge.stop(idleGrace)
    const limit = Math.max(deadline - this.#app.clock.elapsed(), 0)
    const closingOptions = { limit, hasSuccessor: idleGrace !== undefined }
    const closing = Promise.all(this.#servers.map(server => closeListener(server, closingOptions))).then(() =>
      this.#edge.release(),
    )
    const forced = this.#forced.promise
    await this.#within(deadline, Promise.race([this.#app.shutdown().catch(collect), forced]))
    await closing
    await this.#within(deadline, Promise.race([this.#edge.quiet(), forced]))
    await this.#within(deadline, Promise.race([this.#app.settle(), forced]))
    await this.#edge.destroy()
    for (const socket of this.#handshaking) socket.destroy()
    // Only now: it would end idle connections at once, with requests on their way in them.
    for (const server of [...this.#servers, this.#unlistened]) server?.close(() => {})
    await this.#within(deadline + CLEANUP_GRACE, this.#app.cleanup().catch(collect))

    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, 'Several parts of the application failed to stop')
  }

  /** Waits for the promise, but not past the deadline. */
  async #within(deadline: number, promise: Promise<void | 'late'>): Promise<void> {
    const { promise: late, resolve } = withResolvers<'late'>()
    const { clock } = this.#app
    const left = Math.max(deadline - clock.elapsed(), 0)
    const timer = clock.setTimer(() => resolve('late'), left, { keepsAlive: true })
    if ((await Promise.race([promise, late])) === 'late') this.#wasForced = true
    timer.clear()
  }

  async #createSecureServer(tls: TlsOptions): Promise<SecureServer> {
    const certificate = new TlsCertificate(tls, this.#app)
    const secure = { ...(await certificate.read()), requestCert: tls.requestCert ?? false }
    const server = createSecureServer(this.#edge, this.#limits, secure, this.#handshaking)
    this.#certificates.set(server, certificate)
    certificate.watch(server)
    return server
  }

  #assertPhase(phase: 'new' | 'running', attempt: string): void {
    if (this.#phase === phase) return
    const state = { new: 'not started', running: 'running', stopping: 'stopping' }[this.#phase]
    throw new UsageError('ERR_RUNNER_STATE', `Cannot ${attempt}: the runner is ${state}`)
  }
}

function accessLogOf({ accessLog }: AppRunnerOptions): AccessLog | undefined {
  return accessLog === true ? accessLogText() : accessLog || undefined
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve!: (value: Value) => void
  const promise = new Promise<Value>(settle => (resolve = settle))
  return { promise, resolve }
}
