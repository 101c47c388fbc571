import type { AppRunnerOptions, Clock } from '@allium/core'

import type { PeerOptions } from './peer-options.ts'
import type { RequestHeadersInit } from './request-init.ts'
import type { RouteCoverage } from './route-coverage.ts'
import type { TransportName } from './running-app.ts'
import type { StateOverrides } from './state-overrides.ts'

/** What one user of the application brings: its own to each client and each fork. */
export interface TestUserOptions extends PeerOptions {
  /** Sent with every request, unless the request has its own of the name. */
  readonly headers?: RequestHeadersInit | undefined
  /** Whether cookies are kept between requests; default `true`. */
  readonly cookies?: boolean | undefined
  /** How long a response may take to begin, and its body to be read, in milliseconds; default 5000. `Infinity` for ever. */
  readonly timeout?: number | undefined
}

/** What a client can be given. */
export interface TestClientOptions<Values extends readonly unknown[] = readonly []> extends TestUserOptions {
  /**
   * How the application is reached; default: what the environment variable `ALLIUM_TEST_TRANSPORT` says, else `'memory'`.
   * Real sockets are slower and need no other tests.
   */
  readonly transport?: TransportName | undefined
  /** Pairs of key and value that replace what the application provides: a fake for its database. */
  readonly state?: StateOverrides<Values> | undefined
  /**
   * What time it is for the application, at `app.clock`. With `'virtual'` it stands still until
   * {@link TestClient.advance}; so it does with a {@link VirtualClock} of your own. Default: the machine's time.
   */
  readonly clock?: 'virtual' | Clock | undefined
  /** Counts which routes are requested and what they are answered: the same one for all clients of a suite. */
  readonly coverage?: RouteCoverage | undefined
  /**
   * Names of header fields, query parameters and members of bodies whose values {@link TestClient.transcript} and failures
   * hide, besides `Authorization`, `Cookie`, `Proxy-Authorization`, `Set-Cookie`, `X-API-Key` and what the application hides.
   */
  readonly redact?: readonly string[] | undefined
  /** Whether {@link TestClient.warnings} fail the test, when the client is closed; default `false`. */
  readonly strict?: boolean | undefined
  /** For the `AppRunner`, as in production, but that `shutdownTimeout` is 3000 ms by default. */
  readonly runner?: Omit<AppRunnerOptions, 'state'> | undefined
}

/** Of a response to begin, and of its body to be read, in milliseconds. */
export const DEFAULT_TIMEOUT = 5000
