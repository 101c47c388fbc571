import { inspect, types } from 'node:util'

import { UsageError } from '@allium/core'

/** What is shown of an error: its stack, or the message alone where no line of the program is to blame. */
export function describeFailure(error: unknown): string {
  if (error instanceof UsageError && error.code === 'ERR_DEBUG_IN_PRODUCTION') return error.message
  const isPlain =
    types.isNativeError(error) && error.cause === undefined && !error.stack?.includes('\n    at ')
  return isPlain ? error.message : inspect(error)
}
