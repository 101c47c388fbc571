import type { Clock, Timer } from '@allium/core'

/** What a heartbeat watches. */
export interface HeartbeatTarget {
  /** Whether what the client sends is not received for now, so that its silence means nothing. */
  readonly isPaused: boolean
  ping(): void
  /** The client was silent for too long. */
  onSilence(): void
}

/** Pings a client at intervals, and notices when it has gone without a word (P46). */
export class Heartbeat {
  readonly #target: HeartbeatTarget
  readonly #clock: Clock
  readonly #interval: number
  readonly #timeout: number
  #timer: Timer | undefined
  #isAlive = false

  constructor(target: HeartbeatTarget, clock: Clock, interval: number, timeout: number) {
    this.#target = target
    this.#clock = clock
    this.#interval = interval
    this.#timeout = timeout
    this.#timer = undefined
    if (interval !== Infinity) this.#wait(interval, false)
  }

  /** Something has come from the client. */
  beat(): void {
    this.#isAlive = true
  }

  stop(): void {
    this.#timer?.clear()
  }

  #wait(milliseconds: number, isForPong: boolean): void {
    this.#timer = this.#clock.setTimer(() => (isForPong ? this.#judge() : this.#ping()), milliseconds)
  }

  #ping(): void {
    this.#isAlive = false
    this.#target.ping()
    this.#wait(this.#timeout, true)
  }

  #judge(): void {
    if (!this.#isAlive && !this.#target.isPaused) return this.#target.onSilence()
    if (this.#timeout === this.#interval) this.#ping()
    else this.#wait(this.#interval - this.#timeout, false)
  }
}
