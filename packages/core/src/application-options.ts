import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Middleware } from './middleware.ts'
import type { TrustedPeers, TrustProxyOptions } from './proxy-trust.ts'
import type { RunObserver } from './run-observer.ts'
import type { StateEntry } from './state.ts'
import type { TasksOptions } from './tasks.ts'

/** What an `Application` can be given. */
export interface ApplicationOptions {
  /** Shown in logs and messages, and the prefix of its route names in `url()`; default `'app'`. */
  readonly name?: string | undefined
  /** Default: one readable line per entry on standard error, from level `info`. */
  readonly logger?: Logger | undefined
  /**
   * Shows errors with their stacks, and the request, to clients. Never in production: `runApp` refuses it there. Default:
   * as the application it is mounted in, or `false`.
   */
  readonly debug?: boolean | undefined
  /**
   * Names of header fields and query parameters that debug pages hide, besides `Authorization`, `Cookie`,
   * `Proxy-Authorization` and `Set-Cookie`, and what the application it is mounted in hides.
   */
  readonly redact?: readonly string[] | undefined
  /** As if given to `Application.use`. */
  readonly middlewares?: readonly Middleware[] | undefined
  /**
   * Who may speak for others by `X-Forwarded-*` or `Forwarded`: `1` for one proxy in front, `'loopback'`,
   * `['10.0.0.0/8', 'unix']`, a function, or {@link TrustProxyOptions}. That of the outermost application counts.
   * Default: nobody.
   */
  readonly trustProxy?: TrustedPeers | TrustProxyOptions | undefined
  /** The largest request body that is read, in bytes; default 1 MiB, or that of the application it is mounted in. */
  readonly bodyLimit?: number | undefined
  /** Bounds of the background tasks; those of a mounted application are the ones of the outermost. */
  readonly tasks?: TasksOptions | undefined
}

/** What an application runs with instead of what it has in production. */
export interface StartupOptions {
  /** State that replaces what providers would set. */
  readonly state?: readonly StateEntry[] | undefined
  /** Stands in for the time of the machine. */
  readonly clock?: Clock | undefined
  /** Is told of every request. */
  readonly observer?: RunObserver | undefined
}
