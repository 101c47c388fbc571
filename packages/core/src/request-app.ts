import type { UrlOptions } from '@allium/router'

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { RouteMeta } from './route-meta.ts'
import type { ReadonlyState } from './state.ts'
import type { Tasks } from './tasks.ts'

/** What a handler sees of the application that is running it: enough to serve, nothing to change. */
export interface RequestApp {
  /** Shown in logs and messages. */
  readonly name: string
  /** Application state, with that of the applications further out behind it. */
  readonly state: ReadonlyState
  /** Where the application logs. */
  readonly logger: Logger
  /** Whether errors show themselves to clients. */
  readonly debug: boolean
  /** What time it is, and what happens later. */
  readonly clock: Clock
  /** Lower-case names of header fields and query parameters whose values are shown to nobody. */
  readonly redactedFields: ReadonlySet<string>
  /** Whether the server was told to stop: no further requests should be sent to it. */
  readonly isDraining: boolean
  /** Work that goes on beside requests. */
  readonly tasks: Tasks
  /**
   * The URL of a named route, of this application or one further out.
   *
   * @throws UsageError `ERR_ROUTE_NAME_UNKNOWN` when no route has the name
   */
  url(
    name: string,
    params?: Readonly<Record<string, string | number>> | undefined,
    options?: UrlOptions | undefined,
  ): string
}

/** The route that a request matched. */
export interface RequestRoute {
  /** The method it was registered with, `*` for any. */
  readonly method: string
  /** The pattern, mount prefixes included: `/admin/users/:id`. */
  readonly path: string
  /** Its name, if it has one. */
  readonly name: string | undefined
  /** What it was registered with as `meta`. */
  readonly meta: RouteMeta
}
