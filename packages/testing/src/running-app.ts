import type { Duplex } from 'node:stream'

import { AppRunner } from '@allium/core'
import type { Application, AppRunnerOptions, Clock, StateEntry } from '@allium/core'

import { CallWatch } from './call-watch.ts'
import { MemoryTransport } from './memory-transport.ts'
import { assertAddress } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'
import { RunLog } from './run-log.ts'
import { SocketTransport } from './socket-transport.ts'
import { TestTime } from './test-time.ts'

/** How a client reaches its application: in memory, over TCP on loopback, or over a unix socket. */
export type TransportName = 'memory' | 'tcp' | 'unix'

/** An application, or a function that makes one. */
export type ApplicationSource = Application | (() => Application | Promise<Application>)

/** What a {@link RunningApp} is started with. */
export interface RunningAppOptions {
  readonly transport: TransportName | undefined
  readonly state: readonly StateEntry[]
  readonly runner: AppRunnerOptions | undefined
  readonly clock: Clock | 'virtual' | undefined
}

interface Transport {
  /** Scheme and authority of the URLs that lead to the application. */
  readonly origin: string
  /** @throws TypeError for a peer that it cannot be */
  assertPeer(peer: PeerOptions): void
  connect(peer: PeerOptions): Duplex
  close(): Promise<void>
}

/** The time to stop in, in milliseconds: shorter than in production, since nobody waits for an answer any more. */
// More than the 2 s for which a runner waits for the rest of a body that nobody reads.
const SHUTDOWN_TIMEOUT = 3000
const TRANSPORTS: readonly string[] = ['memory', 'tcp', 'unix'] satisfies TransportName[]

/** An application that was started for tests, and the way to it; shared by a client and its forks. */
export class RunningApp {
  readonly app: Application
  readonly watch: CallWatch = new CallWatch()
  readonly time: TestTime
  readonly #runner: AppRunner
  readonly #transport: Transport
  readonly #shutdownTimeout: number
  #closed: Promise<void> | undefined

  constructor(
    app: Application,
    runner: AppRunner,
    transport: Transport,
    time: TestTime,
    shutdownTimeout: number,
  ) {
    this.app = app
    this.time = time
    this.#runner = runner
    this.#transport = transport
    this.#shutdownTimeout = shutdownTimeout
  }

  /** Starts the application as `runApp` would, but for the process. */
  static async start(source: ApplicationSource, options: RunningAppOptions): Promise<RunningApp> {
    const name = transportName(options.transport)
    const app = typeof source === 'function' ? await source() : source
    assertApplication(app)
    const shutdownTimeout = options.runner?.shutdownTimeout ?? SHUTDOWN_TIMEOUT
    const log = new RunLog(options.runner?.observer)
    const time = new TestTime(app, log, options.clock ?? options.runner?.clock)
    const given = { shutdownTimeout, state: options.state, clock: time.clock, observer: log }
    const runner = new AppRunner(app, { ...options.runner, ...given })
    await time.passingDuring(runner.startup())
    try {
      return new RunningApp(app, runner, await openTransport(name, runner, time), time, shutdownTimeout)
    } catch (error) {
      await runner.stop()
      throw error
    }
  }

  /**
   * Scheme and authority of the URLs that lead there for such a user.
   *
   * @throws TypeError for a user that the transport cannot have
   */
  originFor(peer: PeerOptions): string {
    assertAddress(peer)
    this.#transport.assertPeer(peer)
    const { origin } = this.#transport
    return peer.encrypted ? origin.replace(/^http:/, 'https:') : origin
  }

  connect(peer: PeerOptions): Duplex {
    return this.#transport.connect(peer)
  }

  /**
   * Stops the application; connections should be closed before.
   *
   * @param unanswered requests that nobody answered, to name them when the application does not stop
   */
  close(unanswered: readonly string[]): Promise<void> {
    return (this.#closed ??= this.#stop(unanswered))
  }

  async #stop(unanswered: readonly string[]): Promise<void> {
    try {
      await this.time.passingDuring(this.#runner.stop())
    } finally {
      await this.#transport.close()
      this.watch.stop()
    }
    if (!this.#runner.wasForced) return
    const left = unanswered.length > 0 ? `: unanswered are ${unanswered.join(', ')}` : ''
    throw new Error(
      `The application did not stop within ${this.#shutdownTimeout} ms, a handler or a clean-up is still running${left}`,
    )
  }
}

function transportName(given: string | undefined): TransportName {
  const name = given ?? (process.env['ALLIUM_TEST_TRANSPORT'] || 'memory')
  if (!TRANSPORTS.includes(name)) {
    throw new TypeError(
      `Cannot start a test client over "${name}": transports are "${TRANSPORTS.join('", "')}"`,
    )
  }
  return name as TransportName // the list above is made of these
}

function openTransport(
  name: TransportName,
  runner: AppRunner,
  { virtualClock }: TestTime,
): Transport | Promise<Transport> {
  if (name === 'memory') return new MemoryTransport(runner, virtualClock)
  return name === 'tcp' ? SocketTransport.tcp(runner) : SocketTransport.unix(runner)
}

/** By its members: another realm, as Jest makes them, has a class of its own. */
function assertApplication(app: Partial<Application> | null | undefined): void {
  if (typeof app?.startup === 'function' && typeof app.cleanup === 'function') return
  throw new TypeError(
    'Cannot start a test client: neither an Application nor a function that returns one was given',
  )
}
