// Bound at import: a fake one that a test puts in its place later is not the event loop, of which it tells here.
import { setImmediate } from 'node:timers'

/** A timer that is running. */
export interface Timer {
  /** Stops it; it may have fired already. */
  clear(): void
}

/** How a timer is set. */
export interface TimerOptions {
  /** Whether the process waits for it; default `false`. */
  readonly keepsAlive?: boolean | undefined
}

/** How {@link Clock.delay} waits. */
export interface DelayOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Time, as an application has it at `app.clock`: that of the machine in production, and in tests one that a test can
 * advance. Whatever waits, expires or repeats in an application is set by its clock, and is then tested exactly.
 *
 * @example
 * ```ts
 * import { Application, json } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/slow', async request => {
 *   const { clock } = request.app
 *   await clock.delay(50, { signal: request.signal })
 *   return json({ now: new Date(clock.now()) })
 * })
 * ```
 */
export abstract class Clock {
  /** Milliseconds since 1970, as of `Date.now()`: for what is shown, stored or compared with another machine's. */
  abstract now(): number

  /** Milliseconds since some moment, as of `performance.now()`: never goes back, for measuring how long. */
  abstract elapsed(): number

  /** Calls back once after a number of milliseconds, of any length. */
  abstract setTimer(callback: () => void, milliseconds: number, options?: TimerOptions | undefined): Timer

  /**
   * Resolves after a number of milliseconds; the process waits for it.
   *
   * @throws the reason of the AbortSignal, as soon as that fires
   */
  delay(milliseconds: number, { signal }: DelayOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const abort = () => {
        timer.clear()
        reject(signal!.reason as Error)
      }
      const fire = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const timer = this.setTimer(fire, milliseconds, { keepsAlive: true })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}

/** The longest time that a timer of Node's can take; it fires at once for anything longer. */
const LONGEST = 2 ** 31 - 1

class SystemClock extends Clock {
  override now(): number {
    return Date.now()
  }

  override elapsed(): number {
    return performance.now()
  }

  override setTimer(callback: () => void, milliseconds: number, options?: TimerOptions): Timer {
    return new SystemTimer(callback, milliseconds, options?.keepsAlive ?? false)
  }
}

/** Long waits are made of several: no timer of Node's is {@link LONGEST} twice. */
class SystemTimer implements Timer {
  #timeout: NodeJS.Timeout

  constructor(callback: () => void, milliseconds: number, keepsAlive: boolean) {
    this.#timeout = this.#start(callback, milliseconds, keepsAlive)
  }

  clear(): void {
    clearTimeout(this.#timeout)
  }

  #start(callback: () => void, left: number, keepsAlive: boolean): NodeJS.Timeout {
    const rest = left - LONGEST
    const goOn = () => (this.#timeout = this.#start(callback, rest, keepsAlive))
    const timeout = rest > 0 ? setTimeout(goOn, LONGEST) : setTimeout(callback, left)
    return keepsAlive ? timeout : timeout.unref()
  }
}

/** The time of the machine. */
export const systemClock: Clock = new SystemClock()

/** Settles when everything that is ready has run. */
export function nextTurn(): Promise<undefined> {
  return new Promise(resolve => setImmediate(() => resolve(undefined)))
}
