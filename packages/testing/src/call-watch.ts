// Bound at import: a fake clock that a test installs later does not keep a request from failing in real time.
import { clearInterval, setInterval } from 'node:timers'

import { outsideApplications } from './app-resources.ts'
import type { Quiescence } from './quiescence.ts'
import { countOwnTimer } from './real-time.ts'

/** Something that is waited for. */
export interface WatchedCall {
  /** When it is late, as `performance.now()` has it; `Infinity` for never. */
  readonly deadline: number
  /** It is late. Called once. */
  onLate(): void
  /** It will never come: nothing goes on that could bring it. Called once, in place of `onLate`; missing where nobody waits. */
  readonly onStuck?: (() => void) | undefined
}

/** How often somebody looks, in milliseconds. */
const TICK = 5

const elapsed = performance.now.bind(performance)

/**
 * Watches over what an application owes its clients, in real time. One timer for all: it is running while something is
 * waited for, and keeps the process alive, as sockets in memory do not. Without it a test whose handler never answers would
 * end its whole file, as cancelled.
 */
export class CallWatch {
  readonly #calls = new Set<WatchedCall>()
  readonly #quiescence: Quiescence
  #timer: NodeJS.Timeout | undefined
  #isAwaited = false

  /** @param quiescence tells when calls are stuck, and not only late */
  constructor(quiescence: Quiescence) {
    this.#quiescence = quiescence
  }

  /** What `performance.now()` is, whatever a test has put in its place. */
  now(): number {
    return elapsed()
  }

  add(call: WatchedCall): void {
    this.#calls.add(call)
    if (this.#timer === undefined) {
      this.#timer = outsideApplications(() => setInterval(() => this.#look(), TICK))
    } else if (this.#calls.size === 1) this.#timer.ref()
    this.#keepAlive(true)
  }

  remove(call: WatchedCall): void {
    if (!this.#calls.delete(call) || this.#calls.size > 0) return
    this.#timer?.unref()
    this.#keepAlive(false)
  }

  /** Leaves no timer behind. What is added after this is watched over again. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#keepAlive(false)
  }

  #look(): void {
    if (this.#calls.size === 0) return this.stop()
    const now = elapsed()
    const isQuiet = this.#quiescence.look()
    for (const call of this.#calls) {
      if (call.deadline <= now) this.#end(call, () => call.onLate())
      else if (isQuiet && call.onStuck && !this.#quiescence.mayGoOffBefore(call.deadline)) {
        this.#end(call, call.onStuck)
      }
    }
  }

  #end(call: WatchedCall, tell: () => void): void {
    this.remove(call)
    tell()
  }

  #keepAlive(isAwaited: boolean): void {
    if (isAwaited === this.#isAwaited) return
    this.#isAwaited = isAwaited
    countOwnTimer(isAwaited ? 1 : -1)
  }
}
