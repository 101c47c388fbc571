import type { Clock } from '@allium/core'

import type { MessageRate } from './websocket-options.ts'

/** Counts the messages of one client: whatever it saves up, at most what one interval allows. */
export class MessageBudget {
  readonly #clock: Clock
  readonly #perMillisecond: number
  readonly #most: number
  #left: number
  #at: number

  constructor({ messages, interval = 1000 }: MessageRate, clock: Clock) {
    this.#clock = clock
    this.#perMillisecond = messages / interval
    this.#most = messages
    this.#left = messages
    this.#at = clock.elapsed()
  }

  /** Whether one more is allowed. */
  take(): boolean {
    const now = this.#clock.elapsed()
    this.#left = Math.min(this.#most, this.#left + (now - this.#at) * this.#perMillisecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
