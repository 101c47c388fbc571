import { Clock } from '@allium/core'
import type { Timer, TimerOptions } from '@allium/core'

// Bound at import: a fake clock that a test installs later does not drive what it is itself driven by.
import { clearTimeout, setTimeout } from 'node:timers'

import { currentOwner } from './app-resources.ts'
import type { AppResources } from './app-resources.ts'
import { nextTurn } from './real-time.ts'

/** The fake timers of a test runner. */
export type FakeTimers = TickedTimers | AdvancedTimers

/** As in `node:test` and sinon. */
export interface TickedTimers {
  /** Lets so many milliseconds pass. */
  tick(milliseconds: number): unknown
}

/** As in vitest and jest. */
export interface AdvancedTimers {
  /** Lets so many milliseconds pass. */
  advanceTimersByTime(milliseconds: number): unknown
}

/** What a {@link VirtualClock} can be given. */
export interface VirtualClockOptions {
  /** What `app.clock.now()` is at first: a date, or milliseconds since 1970; default: what the machine says. */
  readonly now?: Date | number | undefined
  /**
   * The fake timers of the test runner, when they are in force: they are advanced along, in steps from one timer of the
   * clock to the next, so that bare timers and timers of the application go off in the order of their times.
   */
  readonly timers?: FakeTimers | undefined
}

/** A timer of a {@link VirtualClock} that has not gone off. */
export interface PendingTimer {
  /** When it goes off, as `elapsed()` counts. */
  readonly due: number
  /** Where it was set. */
  readonly stack: string | undefined
}

/** The longest time that a timer of Node's can take, in milliseconds. */
const LONGEST = 2 ** 31 - 1

/**
 * Time that stands still until a test advances it. Replaces nothing global: it is the time of one application, at
 * `app.clock`, and of whatever it is given to.
 *
 * While an application starts and while it stops, nobody advances its time: timers go off by themselves then, as long after
 * as they were set for, and take the time with them.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { VirtualClock } from '@allium/testing'
 *
 * const clock = new VirtualClock({ now: new Date('2030-01-01') })
 * const alarm = clock.delay(60_000)
 * await clock.advance(60_000)
 *
 * await alarm
 * assert.equal(clock.now(), Date.parse('2030-01-01T00:01:00Z'))
 * ```
 */
export class VirtualClock extends Clock {
  readonly #timers: FakeTimers | undefined
  readonly #pending = new Set<VirtualTimer>()
  readonly #startedAt: number
  #elapsed = 0
  #isRunning = false
  #changes = 0

  /** @throws RangeError for a `now` that is no moment */
  constructor({ now = Date.now(), timers }: VirtualClockOptions = {}) {
    super()
    this.#startedAt = Number(now)
    this.#timers = timers
    if (!Number.isFinite(this.#startedAt)) throw new RangeError('Cannot set a clock: "now" is no moment')
  }

  /** Milliseconds since 1970. */
  override now(): number {
    return this.#startedAt + this.#elapsed
  }

  /** Milliseconds since the clock was made. */
  override elapsed(): number {
    return this.#elapsed
  }

  /** Calls back once the time has been advanced so far; with 0 on the next turn of the event loop. */
  override setTimer(callback: () => void, milliseconds: number, options?: TimerOptions): Timer {
    const due = this.#elapsed + Math.max(milliseconds, 0)
    const timer = new VirtualTimer(due, callback, options?.keepsAlive ?? false)
    this.#pending.add(timer)
    this.#changes++
    if (this.#isRunning || due === this.#elapsed) this.#arm(timer)
    return { clear: () => this.#forget(timer) }
  }

  /** Timers that have not gone off, in the order in which they will. */
  get pending(): readonly PendingTimer[] {
    return [...this.#pending].sort((a, b) => a.due - b.due)
  }

  /**
   * Advances the time. What is due goes off at its very moment, one timer after another, those included that are set on the
   * way.
   *
   * @param rest waits, after each timer, for what it has set off; default: a turn of the event loop
   * @throws RangeError for a number that is negative or not finite
   */
  async advance(milliseconds: number, rest: () => Promise<void> = nextTurn): Promise<void> {
    if (!(milliseconds >= 0 && milliseconds < Infinity)) {
      throw new RangeError(
        `Cannot advance the time by ${milliseconds} ms: it goes forward, and by a finite time`,
      )
    }
    await rest()
    const until = this.#elapsed + milliseconds
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      this.#moveTo(timer.due)
      this.#fire(timer)
      await rest()
    }
    this.#moveTo(until)
    await rest()
  }

  /** Timers of {@link VirtualClock.pending} that an application has set. @internal */
  timersOf(owner: AppResources): readonly PendingTimer[] {
    return [...this.#pending].filter(timer => timer.owner === owner)
  }

  /** Grows with whatever is done to the clock. @internal */
  get changes(): number {
    return this.#changes
  }

  /** Lets timers go off by themselves. @internal */
  run(): void {
    this.#isRunning = true
    for (const timer of this.#pending) this.#arm(timer)
  }

  /** From now on the time stands still. @internal */
  stop(): void {
    this.#isRunning = false
    for (const timer of this.#pending) timer.disarm()
  }

  #next(until: number): VirtualTimer | undefined {
    let next: VirtualTimer | undefined
    for (const timer of this.#pending) {
      if (timer.due <= until && (!next || timer.due < next.due)) next = timer // of two at once, the one set first
    }
    return next
  }

  #moveTo(elapsed: number): void {
    const milliseconds = elapsed - this.#elapsed
    if (milliseconds <= 0) return
    this.#elapsed = elapsed
    if (!this.#timers) return
    if ('tick' in this.#timers) this.#timers.tick(milliseconds)
    else this.#timers.advanceTimersByTime(milliseconds)
  }

  #fire(timer: VirtualTimer): void {
    this.#forget(timer)
    this.#elapsed = Math.max(this.#elapsed, timer.due)
    timer.callback()
  }

  #forget(timer: VirtualTimer): void {
    timer.disarm()
    if (this.#pending.delete(timer)) this.#changes++
  }

  #arm(timer: VirtualTimer): void {
    timer.arm(timer.due - this.#elapsed, () => this.#fire(timer))
  }
}

class VirtualTimer implements PendingTimer {
  readonly due: number
  readonly callback: () => void
  readonly owner: AppResources | undefined = currentOwner()
  readonly #keepsAlive: boolean
  readonly #origin = new Error('Set') // its stack is formatted when somebody reads it
  #real: NodeJS.Timeout | undefined

  constructor(due: number, callback: () => void, keepsAlive: boolean) {
    this.due = due
    this.callback = callback
    this.#keepsAlive = keepsAlive
  }

  get stack(): string | undefined {
    return this.#origin.stack
  }

  arm(milliseconds: number, fire: () => void): void {
    if (this.#real || milliseconds > LONGEST) return
    this.#real = setTimeout(fire, milliseconds)
    if (!this.#keepsAlive) this.#real.unref()
  }

  disarm(): void {
    clearTimeout(this.#real)
    this.#real = undefined
  }
}
