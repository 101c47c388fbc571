// Bound at import: a fake clock that a test installs later does not keep a request from failing in real time.
import { clearInterval, setInterval } from 'node:timers'

/** Something that is waited for. */
export interface WatchedCall {
  /** When it is late, as `performance.now()` has it; `Infinity` for never. */
  readonly deadline: number
  /** It is late. Called once. */
  onLate(): void
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
  #timer: NodeJS.Timeout | undefined

  /** What `performance.now()` is, whatever a test has put in its place. */
  now(): number {
    return elapsed()
  }

  add(call: WatchedCall): void {
    this.#calls.add(call)
    if (this.#timer === undefined) this.#timer = setInterval(() => this.#look(), TICK)
    else if (this.#calls.size === 1) this.#timer.ref()
  }

  remove(call: WatchedCall): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) this.#timer?.unref()
  }

  /** Leaves no timer behind. What is added after this is watched over again. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    if (this.#calls.size === 0) return this.stop()
    const now = elapsed()
    for (const call of this.#calls) {
      if (call.deadline > now) continue
      this.#calls.delete(call)
      call.onLate()
    }
  }
}
