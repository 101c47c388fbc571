import { UsageError } from './usage-error.ts'
import type { Logger } from './logger.ts'

/** What debug mode is asked of. */
export interface DebugModeOwner {
  readonly name: string
  readonly logger: Logger
  /** Turns it on where the application itself has not decided. */
  enableDebug(): void
  /** Names of the applications in debug mode, among this one and those mounted in it. */
  debugNames(): string[]
}

/**
 * Turns debug mode on when `ALLIUM_DEBUG` is `1` or `force`, and says so. Where `NODE_ENV` is `production` only `force`
 * allows it, whoever has turned it on.
 *
 * @throws UsageError `ERR_DEBUG_IN_PRODUCTION`
 */
export function applyDebugMode(app: DebugModeOwner, env: Readonly<Record<string, string | undefined>>): void {
  const { ALLIUM_DEBUG: wish, NODE_ENV: stage } = env
  if (wish === '1' || wish === 'force') app.enableDebug()
  const names = app.debugNames()
  if (names.length === 0) return

  const isProduction = stage === 'production'
  if (isProduction && wish !== 'force') {
    throw new UsageError(
      'ERR_DEBUG_IN_PRODUCTION',
      `Cannot start "${app.name}" in debug mode: NODE_ENV is "production"; ALLIUM_DEBUG=force starts it all the same`,
    )
  }
  const fields = { apps: names.join(', ') }
  const warning = 'DEBUG MODE: every client is shown the stacks of errors, and the requests that led to them'
  if (isProduction) app.logger.error(fields, `${warning}, IN PRODUCTION`)
  else app.logger.warn(fields, warning)
}
