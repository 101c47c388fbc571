/** Every code that a {@link UsageError} can carry; each has an entry in the error reference. */
export type UsageErrorCode =
  | 'ERR_APP_FROZEN'
  | 'ERR_APP_MOUNTED'
  | 'ERR_APP_NOT_STARTED'
  | 'ERR_BODY_USED'
  | 'ERR_CLEANUP_CONTEXT'
  | 'ERR_DEBUG_IN_PRODUCTION'
  | 'ERR_DETACHED_METHOD'
  | 'ERR_MIDDLEWARE_ARGUMENT'
  | 'ERR_NEXT_CALLED_LATE'
  | 'ERR_NEXT_CALLED_TWICE'
  | 'ERR_NO_RESPONSE'
  | 'ERR_RESPONSE_LENGTH'
  | 'ERR_RESPONSE_PREPARED'
  | 'ERR_RESPONSE_REUSED'
  | 'ERR_RESPONSE_STATE'
  | 'ERR_ROUTE_NAME_UNKNOWN'
  | 'ERR_RUNNER_STATE'
  | 'ERR_SESSION_HEADERS_SENT'
  | 'ERR_SESSION_MISSING'
  | 'ERR_SESSION_TOO_LARGE'
  | 'ERR_SIGNAL_FROZEN'
  | 'ERR_SIGNAL_NOT_FROZEN'
  | 'ERR_STATE_FROZEN'
  | 'ERR_STATE_KEY_UNSET'
  | 'ERR_TASKS_CLOSED'
  | 'ERR_UPGRADE_STATE'
  | 'ERR_WEBSOCKET_STATE'

/**
 * The framework was used at the wrong moment or in the wrong way: a mistake in the program, never in a request.
 * Inside a handler it becomes a 500 whose text stays in the log.
 *
 * @example
 * ```ts
 * import { AppKey, Application, UsageError } from '@allium/core'
 *
 * try {
 *   new Application().state.get(new AppKey<string>('greeting'))
 * } catch (error) {
 *   if (error instanceof UsageError) console.log(error.code) // ERR_STATE_KEY_UNSET
 * }
 * ```
 */
export class UsageError extends Error {
  /** Stable across releases, unlike the message. */
  readonly code: UsageErrorCode

  /** @param message the attempted action, a colon, then the actual state */
  constructor(code: UsageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
    this.code = code
  }
}
