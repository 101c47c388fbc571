import type { Clock, Timer } from './clock.ts'

/** Calls back when nothing has happened for so long. */
export interface IdleTimer {
  /** Something has happened. */
  restart(): void
  stop(): void
}

/**
 * Begins to count idle time.
 *
 * @param clock default: the global timers of the moment, which a fake clock may have replaced
 */
export function startIdleTimer(milliseconds: number, onIdle: () => void, clock?: Clock): IdleTimer {
  return clock ? new ClockIdleTimer(milliseconds, onIdle, clock) : new GlobalIdleTimer(milliseconds, onIdle)
}

/** Notes when something happened, and looks at that when the time is over: cheaper than a new timer each time. */
class ClockIdleTimer implements IdleTimer {
  readonly #milliseconds: number
  readonly #onIdle: () => void
  readonly #clock: Clock
  #idleSince!: number
  #timer: Timer

  constructor(milliseconds: number, onIdle: () => void, clock: Clock) {
    this.#milliseconds = milliseconds
    this.#onIdle = onIdle
    this.#clock = clock
    this.restart()
    this.#timer = this.#start(milliseconds)
  }

  restart(): void {
    this.#idleSince = this.#clock.elapsed()
  }

  stop(): void {
    this.#timer.clear()
  }

  #start(milliseconds: number): Timer {
    return this.#clock.setTimer(() => this.#look(), milliseconds)
  }

  #look(): void {
    const left = this.#idleSince + this.#milliseconds - this.#clock.elapsed()
    if (left > 0) this.#timer = this.#start(left)
    else this.#onIdle()
  }
}

const idleCallbacks = new WeakSet<object>()

/** Whether a global timer calls this because a socket was idle: then it is the server's, and not the application's. */
export function isIdleCallback(callback: object): boolean {
  return idleCallbacks.has(callback)
}

/** Stops on the very timers that it was started on. */
class GlobalIdleTimer implements IdleTimer {
  readonly #milliseconds: number
  readonly #onIdle: () => void
  #stop!: () => void
  #refresh: (() => void) | undefined

  constructor(milliseconds: number, onIdle: () => void) {
    this.#milliseconds = milliseconds
    this.#onIdle = onIdle
    idleCallbacks.add(onIdle)
    this.#start()
  }

  stop(): void {
    this.#stop()
  }

  restart(): void {
    if (this.#refresh) return this.#refresh()
    this.#stop()
    this.#start()
  }

  #start(): void {
    const { setTimeout, clearTimeout } = globalThis
    // A fake clock may give a number, or an object without some of the methods.
    const timer: Partial<NodeJS.Timeout> = setTimeout(this.#onIdle, this.#milliseconds)
    timer.unref?.()
    this.#stop = () => clearTimeout(timer as NodeJS.Timeout)
    this.#refresh = timer.refresh ? () => timer.refresh?.() : undefined
  }
}
