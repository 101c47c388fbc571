import type { Duplex } from 'node:stream'

import { AppRunner } from '@allium/core'
import type { Application, AppRunnerOptions, Clock, StateEntry } from '@allium/core'

import { AppResources } from './app-resources.ts'
import { CallWatch } from './call-watch.ts'
import { Conversation } from './conversation.ts'
import { processCoverage, writeProcessCoverage } from './coverage-folder.ts'
import { Leaks } from './leaks.ts'
import { MemoryTransport } from './memory-transport.ts'
import { assertAddress } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'
import { Quiescence } from './quiescence.ts'
import { Redaction } from './redaction.ts'
import type { RouteCoverage } from './route-coverage.ts'
import { RunLog } from './run-log.ts'
import { SocketTransport } from './socket-transport.ts'
import { startableApp } from './startable-app.ts'
import type { ApplicationSource } from './startable-app.ts'
import { Strictness } from './strictness.ts'
import { StuckReports } from './stuck-report.ts'
import { TestTime } from './test-time.ts'
import { Transcript } from './transcript.ts'

/** How a client reaches its application: in memory, over TCP on loopback, or over a unix socket. */
export type TransportName = 'memory' | 'tcp' | 'unix'

/** What a {@link RunningApp} is started with. */
export interface RunningAppOptions {
  readonly transport: TransportName | undefined
  readonly state: readonly StateEntry[]
  readonly runner: AppRunnerOptions | undefined
  readonly clock: Clock | 'virtual' | undefined
  readonly coverage?: RouteCoverage | undefined
  readonly redact: readonly string[] | undefined
  readonly strict: boolean | undefined
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
/** What Node calls the sockets of a transport. */
const SOCKET_TYPES = { memory: undefined, tcp: 'TCPSocketWrap', unix: 'PipeWrap' } as const
const TRANSPORTS: readonly string[] = ['memory', 'tcp', 'unix'] satisfies TransportName[]

/** What a {@link RunningApp} is made of. */
interface RunningParts {
  readonly app: Application
  readonly name: TransportName
  readonly runner: AppRunner
  readonly transport: Transport
  readonly time: TestTime
  readonly log: RunLog
  readonly resources: AppResources
  readonly shutdownTimeout: number
  readonly redact: readonly string[]
  readonly isStrict: boolean
}

/** An application that was started for tests, and the way to it; shared by a client and its forks. */
export class RunningApp {
  readonly app: Application
  readonly watch: CallWatch
  readonly time: TestTime
  readonly conversation: Conversation
  readonly reports: StuckReports
  readonly leaks: Leaks
  readonly transcript: Transcript
  readonly strictness: Strictness = new Strictness()
  readonly #parts: RunningParts
  readonly #ports = new WeakMap<Duplex, number>()
  #openSockets = 0
  #closed: Promise<void> | undefined

  constructor(parts: RunningParts) {
    const { app, log, name, time, resources, runner } = parts
    this.app = app
    this.time = time
    this.#parts = parts
    this.conversation = new Conversation(log)
    this.reports = new StuckReports({
      app,
      conversation: this.conversation,
      clock: time.virtualClock,
      resources,
    })
    const quiescence = new Quiescence({
      activity: () => time.stillness.activity,
      isAwaited: () => time.isAwaited,
      resources,
      socketType: SOCKET_TYPES[name],
      ownSockets: () => this.#openSockets + runner.counts.openConnections,
    })
    this.watch = new CallWatch(quiescence)
    this.transcript = new Transcript(
      this.conversation,
      new Redaction([...app.redactedFields, ...parts.redact]),
    )
    log.onFinished = run => this.strictness.lookAtRun(run)
    this.leaks = new Leaks({
      ...{ runner, log, resources },
      conversation: this.conversation,
      clock: time.virtualClock,
      hasTold: run => this.reports.hasTold(run),
    })
  }

  /** Starts the application as `runApp` would, but for the process. */
  static async start(source: ApplicationSource, options: RunningAppOptions): Promise<RunningApp> {
    const name = transportName(options.transport)
    const resources = new AppResources()
    resources.watch()
    try {
      return await resources.run(() => startRunning(source, resources, { ...options, transport: name }))
    } catch (error) {
      resources.stop()
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
    this.#parts.transport.assertPeer(peer)
    const { origin } = this.#parts.transport
    return peer.encrypted ? origin.replace(/^http:/, 'https:') : origin
  }

  connect(peer: PeerOptions): Duplex {
    const { resources, transport } = this.#parts
    const socket: Duplex & { readonly localPort?: number } = resources.apart(() => transport.connect(peer))
    this.#openSockets++
    socket.once('close', () => this.#openSockets--)
    const note = () => socket.localPort === undefined || this.#ports.set(socket, socket.localPort)
    note()
    socket.once('connect', note)
    return socket
  }

  /** The port at this end of a connection: also of one that is over. */
  portOf(socket: Duplex): number | undefined {
    return this.#ports.get(socket)
  }

  /**
   * Stops the application and looks what is left of it; connections should be closed before.
   *
   * @throws LeakError, and StrictnessError for a client that is strict
   */
  close(): Promise<void> {
    return (this.#closed ??= this.#stop())
  }

  async #stop(): Promise<void> {
    const { runner, transport, resources, shutdownTimeout } = this.#parts
    // Where nothing goes on any more, nobody has to wait until the time is up.
    const deadline = this.watch.now() + shutdownTimeout - 1
    const stopping = { deadline, onLate: () => undefined, onStuck: () => runner.force() }
    this.watch.add(stopping)
    try {
      await this.time.passingDuring(resources.run(() => runner.stop()))
    } finally {
      this.watch.remove(stopping)
      await transport.close()
      writeProcessCoverage()
      this.watch.stop()
      resources.stop()
    }
    await this.leaks.assertNone()
    if (this.#parts.isStrict) this.strictness.assertNone()
    const isKnown = this.#parts.log.unfinished.length > 0
    if (!runner.wasForced || isKnown) return
    throw new Error(`The application did not stop within ${shutdownTimeout} ms: its connections were cut`)
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

async function startRunning(
  source: ApplicationSource,
  resources: AppResources,
  options: RunningAppOptions & { readonly transport: TransportName },
): Promise<RunningApp> {
  const app = await startableApp(source)
  const { state, transport: name } = options
  const shutdownTimeout = options.runner?.shutdownTimeout ?? SHUTDOWN_TIMEOUT
  const log = new RunLog(
    options.runner?.observer,
    options.coverage?.watch(app),
    processCoverage()?.watch(app),
  )
  const time = new TestTime(app, log, options.clock ?? options.runner?.clock)
  const overrides = { shutdownTimeout, state, clock: time.clock, observer: log }
  const runner = new AppRunner(app, { ...options.runner, ...overrides })
  const transport = await open(name, runner, time)
  resources.forgetServer()
  const { redact = [], strict: isStrict = false } = options
  const given = { app, name, runner, transport, time, log, resources }
  return new RunningApp({ ...given, shutdownTimeout, redact, isStrict })
}

async function open(name: TransportName, runner: AppRunner, time: TestTime): Promise<Transport> {
  await time.passingDuring(runner.startup())
  try {
    return await openTransport(name, runner, time)
  } catch (error) {
    await runner.stop()
    throw error
  }
}

function openTransport(
  name: TransportName,
  runner: AppRunner,
  { virtualClock }: TestTime,
): Transport | Promise<Transport> {
  if (name === 'memory') return new MemoryTransport(runner, virtualClock)
  return name === 'tcp' ? SocketTransport.tcp(runner) : SocketTransport.unix(runner)
}
