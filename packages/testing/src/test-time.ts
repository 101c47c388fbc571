import type { Application, Clock } from '@allium/core'

import type { RunLog } from './run-log.ts'
import { Stillness } from './stillness.ts'
import { VirtualClock } from './virtual-clock.ts'

/** The time of an application under test: that of the machine, or one that a test advances. */
export class TestTime {
  /** `undefined` for the machine's. */
  readonly clock: Clock | undefined
  /** What is waited for. */
  readonly stillness: Stillness
  #last: Promise<void> = Promise.resolve()
  #awaited = 0

  constructor(app: Application, log: RunLog, clock: Clock | 'virtual' | undefined) {
    this.clock = clock === 'virtual' ? new VirtualClock() : clock
    this.stillness = new Stillness({
      activity: () => log.events + (this.virtualClock?.changes ?? 0),
      isBusy: () => log.inProgress.length + app.tasks.running.length > 0,
    })
  }

  /** The clock, when it can be advanced. */
  get virtualClock(): VirtualClock | undefined {
    return this.clock instanceof VirtualClock ? this.clock : undefined
  }

  /** Lets time pass by itself while nobody is there to advance it. */
  async passingDuring(work: Promise<void>): Promise<void> {
    this.virtualClock?.run()
    try {
      await work
    } finally {
      this.virtualClock?.stop()
    }
  }

  /** Advances the time, after earlier calls; `limit` is for each rest, in real milliseconds. */
  async advance(milliseconds: number, limit: number): Promise<void> {
    const clock = this.virtualClock
    if (!clock) {
      throw new TypeError(
        'Cannot advance the time: it is that of the machine; start the client with { clock: "virtual" }',
      )
    }
    const rest = () => this.stillness.rest(limit)
    const advanced = this.#last.then(() => clock.advance(milliseconds, rest))
    this.#last = advanced.catch(() => undefined)
    await this.#awaiting(advanced)
    await this.settle(limit)
  }

  /** Waits for what runs by itself. */
  settle(limit: number): Promise<void> {
    return this.#awaiting(this.stillness.settle(limit))
  }

  /** Whether a test waits for time to pass, or for the application to come to rest. */
  get isAwaited(): boolean {
    return this.#awaited > 0
  }

  async #awaiting(work: Promise<void>): Promise<void> {
    this.#awaited++
    try {
      await work
    } finally {
      this.#awaited--
    }
  }
}
