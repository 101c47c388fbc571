// Bound at import: a fake clock that a test installs later does not keep a request from failing in real time.
import { clearTimeout, setTimeout } from 'node:timers'

/** The longest time that a timer of Node's can take, in milliseconds. */
const FOREVER = 2 ** 31 - 1

/**
 * Keeps the process alive while something is waited for, and calls back when that takes too long. Sockets in memory do
 * not keep it alive: a test whose handler never answers would end its whole file, as cancelled.
 */
export class Deadline {
  readonly #timer: NodeJS.Timeout

  /** @param milliseconds `Infinity` only keeps the process alive */
  constructor(milliseconds: number, onLate: () => void) {
    this.#timer = setTimeout(
      milliseconds < FOREVER ? onLate : () => undefined,
      Math.min(milliseconds, FOREVER),
    )
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}

/** @throws RangeError for a timeout that is not a positive number */
export function assertTimeout(milliseconds: number): void {
  if (milliseconds > 0) return
  throw new RangeError(`Cannot wait ${milliseconds} ms: a timeout is positive, and Infinity means for ever`)
}

/** What a request or a connection fails with when its time is over. */
export function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError', code: 'ETIMEDOUT' })
}
