import type { AccessLog } from './access-log.ts'
import type { Clock } from './clock.ts'
import type { RunObserver } from './run-observer.ts'
import type { StateEntry } from './state.ts'

/**
 * What an `AppRunner` can be given. Times are in milliseconds and sizes in bytes, both whole numbers. Where a limit may be
 * switched off, `Infinity` does so: it has to be written out, 0 is refused.
 */
export interface AppRunnerOptions {
  /** State that replaces what providers would set, for tests: see `stateEntry`. */
  readonly state?: readonly StateEntry[] | undefined
  /** What the application takes the time from, `app.clock`, while it runs; default: the machine. */
  readonly clock?: Clock | undefined
  /** Is told of every request, for tests. */
  readonly observer?: RunObserver | undefined
  /** How long `AppRunner.stop` may take in all before what is left is cut; default 25 s. 0 cuts at once. */
  readonly shutdownTimeout?: number | undefined
  /**
   * How long a server that was told to stop goes on accepting, while `app.isDraining` says so and `healthRoutes`
   * answer 503, so that whoever balances the load finds out; default 0. Part of `shutdownTimeout`.
   */
  readonly drainDelay?: number | undefined
  /** How long an idle connection is kept; default 75 s, longer than the usual proxy keeps its own. `Infinity` for ever. */
  readonly keepAliveTimeout?: number | undefined
  /**
   * How long the head of a request may take to arrive, else 408; default 60 s, or `requestTimeout` when that is shorter.
   * `Infinity` for ever. Enforced to within 5 s.
   */
  readonly headersTimeout?: number | undefined
  /** How long a whole request may take to arrive, else 408; default 300 s. `Infinity` for ever. Enforced to within 5 s. */
  readonly requestTimeout?: number | undefined
  /** How long a client may read nothing of what was written to it before it is cut off; default 60 s. */
  readonly writeTimeout?: number | undefined
  /** The largest head of a request, in bytes, else 431; default 16 KiB. */
  readonly maxHeaderSize?: number | undefined
  /** The largest number of header fields, and of trailers, else 431; default 200. */
  readonly maxHeadersCount?: number | undefined
  /** How many connections may be open at once, on all addresses together; what comes on top is closed unread. Default 20,000. */
  readonly maxConnections?: number | undefined
  /** After how many requests a connection is closed, so that clients spread over new servers; default `Infinity`. */
  readonly maxRequestsPerSocket?: number | undefined
  /**
   * How many requests of one connection may wait behind the one being answered; default 16. The one on top is not
   * served: those before it are answered, then the connection closes. 0 serves no pipelined requests.
   */
  readonly maxPipelined?: number | undefined
  /** How much of a body that nobody reads is discarded to keep its connection, in bytes; default 256 KiB. 0 closes. */
  readonly drainLimit?: number | undefined
  /** How long the rest of such a body is waited for; default 2 s. */
  readonly drainTimeout?: number | undefined
  /**
   * The hosts that are served, without regard to case and port: `example.com`, `*.example.com` for everything below it
   * (and not itself), `[::1]`. A request for another is 421. Default: all.
   */
  readonly allowedHosts?: readonly string[] | undefined
  /** Gets every request that was served; `true` for a line of text each on standard output. Default: none. */
  readonly accessLog?: AccessLog | boolean | undefined
}

/** The numbers among the options, each decided. */
export type RunnerLimits = Readonly<Record<LimitName, number>>

type LimitName = Exclude<
  keyof AppRunnerOptions,
  'state' | 'clock' | 'observer' | 'allowedHosts' | 'accessLog'
>

const DEFAULTS: RunnerLimits = {
  shutdownTimeout: 25_000,
  drainDelay: 0,
  keepAliveTimeout: 75_000,
  headersTimeout: 60_000,
  requestTimeout: 300_000,
  writeTimeout: 60_000,
  maxHeaderSize: 16 * 1024,
  maxHeadersCount: 200,
  maxConnections: 20_000,
  maxRequestsPerSocket: Infinity,
  maxPipelined: 16,
  drainLimit: 256 * 1024,
  drainTimeout: 2000,
}

interface Rule {
  readonly least: 0 | 1
  readonly most: number
  readonly mayBeInfinite: boolean
}

/** Timers of Node's fire at once for anything longer, which is 24.8 days. */
const LONGEST = 2 ** 31 - 1
const RULES: Readonly<Record<LimitName, Rule>> = {
  shutdownTimeout: { least: 0, most: LONGEST, mayBeInfinite: false },
  drainDelay: { least: 0, most: LONGEST, mayBeInfinite: false },
  keepAliveTimeout: { least: 1, most: LONGEST, mayBeInfinite: true },
  headersTimeout: { least: 1, most: LONGEST, mayBeInfinite: true },
  requestTimeout: { least: 1, most: LONGEST, mayBeInfinite: true },
  writeTimeout: { least: 1, most: LONGEST, mayBeInfinite: false },
  maxHeaderSize: { least: 1, most: LONGEST, mayBeInfinite: false },
  maxHeadersCount: { least: 1, most: LONGEST, mayBeInfinite: false },
  maxConnections: { least: 1, most: Number.MAX_SAFE_INTEGER, mayBeInfinite: true },
  maxRequestsPerSocket: { least: 1, most: Number.MAX_SAFE_INTEGER, mayBeInfinite: true },
  maxPipelined: { least: 0, most: LONGEST, mayBeInfinite: false },
  drainLimit: { least: 0, most: Number.MAX_SAFE_INTEGER, mayBeInfinite: false },
  drainTimeout: { least: 1, most: LONGEST, mayBeInfinite: false },
}

/**
 * Fills in the defaults.
 *
 * @throws RangeError for a number that is not among those allowed, or a `headersTimeout` over the `requestTimeout`
 */
export function resolveLimits(options: AppRunnerOptions): RunnerLimits {
  const limits: Record<LimitName, number> = { ...DEFAULTS }
  for (const name of Object.keys(RULES) as LimitName[]) limits[name] = checked(name, options[name])
  if (options.headersTimeout === undefined) {
    limits.headersTimeout = Math.min(limits.headersTimeout, limits.requestTimeout)
  }
  if (limits.drainDelay > limits.shutdownTimeout) {
    throw new RangeError(
      `Cannot make a runner: drainDelay ${limits.drainDelay} is over shutdownTimeout ${limits.shutdownTimeout}`,
    )
  }
  if (limits.headersTimeout > limits.requestTimeout) {
    throw new RangeError(
      `Cannot make a runner: headersTimeout ${limits.headersTimeout} is over requestTimeout ${limits.requestTimeout}`,
    )
  }
  return limits
}

function checked(name: LimitName, value: number = DEFAULTS[name]): number {
  const { least, most, mayBeInfinite } = RULES[name]
  if (value === Infinity && mayBeInfinite) return value
  // A string from the environment would pass every comparison.
  if (Number.isInteger(value) && value >= least && value <= most) return value
  const orInfinite = mayBeInfinite ? ', or Infinity for no limit' : ''
  throw new RangeError(
    `Cannot make a runner: ${name} is ${value}, not a whole number from ${least} to ${most}${orInfinite}`,
  )
}
