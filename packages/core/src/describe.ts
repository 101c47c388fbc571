import { inspect, types } from 'node:util'

/**
 * Text for a log about any thrown or returned value. Never throws, whatever getters, proxies or cycles the
 * value holds: what is logged can come from anywhere.
 */
export function describe(value: unknown): string {
  try {
    if (types.isNativeError(value) && value.cause === undefined && typeof value.stack === 'string')
      return value.stack
    return typeof value !== 'string' ? inspect(value, { depth: 4 }) : value
  } catch {
    return 'a value that cannot be described'
  }
}
