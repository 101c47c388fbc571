import type { Clock, Timer } from '@allium/core'

/** How often a process says how many members it has, in milliseconds; it is forgotten after three times that. */
const INTERVAL = 10_000
/** How long changes are gathered before others are told, in milliseconds. */
const GATHER = 50

/** What presence needs of its channel. */
export interface PresenceOwner {
  readonly clock: Clock
  /** Members in this process. */
  readonly size: number
  tell(count: number): void
}

/** How many members a channel has in other processes, as they say. */
export class Presence {
  readonly #owner: PresenceOwner
  readonly #others = new Map<string, { readonly count: number; readonly until: number }>()
  #timer: Timer | undefined
  #isDue = false

  constructor(owner: PresenceOwner) {
    this.#owner = owner
    this.#timer = undefined
    this.#wait(INTERVAL)
  }

  /** Members in all processes. */
  get count(): number {
    const now = this.#owner.clock.elapsed()
    let count = this.#owner.size
    for (const [node, other] of this.#others) {
      if (other.until <= now) this.#others.delete(node)
      else count += other.count
    }
    return count
  }

  /** Another process has said how many it has. */
  note(node: string, count: number): void {
    if (count === 0) this.#others.delete(node)
    else this.#others.set(node, { count, until: this.#owner.clock.elapsed() + 3 * INTERVAL })
  }

  /** The number here has changed, or was asked for: the others are told soon. */
  touch(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#timer?.clear()
    this.#wait(GATHER)
  }

  stop(): void {
    this.#timer?.clear()
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#owner.clock.setTimer(() => {
      this.#isDue = false
      this.#owner.tell(this.#owner.size)
      this.#wait(INTERVAL)
    }, milliseconds)
  }
}
