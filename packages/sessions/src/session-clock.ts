import type { Clock } from '@allium/core'

/** What time it is for sessions: that of the application, unless a test has brought its own. */
export class SessionClock {
  readonly #now: (() => number) | undefined
  #clock: Clock | undefined

  constructor(now: (() => number) | undefined) {
    this.#now = now
  }

  /** From now on time is that of the application. */
  follow(clock: Clock): void {
    this.#clock = clock
  }

  /** Milliseconds since 1970. */
  now(): number {
    if (this.#now) return this.#now()
    return this.#clock ? this.#clock.now() : Date.now()
  }

  /** Milliseconds since some moment, for measuring how long. */
  elapsed(): number {
    return this.#clock ? this.#clock.elapsed() : performance.now()
  }

  /** @throws Error when the work takes longer than a number of milliseconds; it is left to itself then */
  async within<Result>(milliseconds: number, work: Promise<Result>): Promise<Result> {
    let stop = () => {}
    const late = new Promise<never>((_, reject) => {
      stop = this.#startTimer(() => reject(new Error(`No answer within ${milliseconds} ms`)), milliseconds)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      stop()
    }
  }

  #startTimer(callback: () => void, milliseconds: number): () => void {
    if (this.#clock) {
      const timer = this.#clock.setTimer(callback, milliseconds)
      return () => timer.clear()
    }
    const timer = setTimeout(callback, milliseconds) // outside of any application
    return () => clearTimeout(timer)
  }
}
