import { performance } from 'node:perf_hooks'

import { activeResources, nextTurn, realDelay, realNow } from './real-time.ts'

/** What {@link Stillness} looks at besides the process. */
export interface Workplace {
  /** Grows with whatever the application does. */
  readonly activity: () => number
  /** Whether a request or a task is in progress, and may be waiting for what cannot be seen. */
  readonly isBusy: () => boolean
}

// Bound at import, as fake clocks replace what belongs to `performance`.
const { nodeTiming } = performance
const loopUtilization = performance.eventLoopUtilization.bind(performance)

/** How often in a row nothing may have happened before it is called still. */
const STILL_TURNS = 4
/** How long work on other threads is looked for, in milliseconds, and how often in a row there may be none. */
const GLANCE = 4
const GLANCES = 2
/** What looking itself costs, as a part of the time, is well below this. */
const AT_WORK = 1 / 12
/** Work that ends by itself and soon. Sockets and timers may be open for ever. */
const SHORT_WORK =
  /^(?:FSReq|GetAddrInfo|GetNameInfo|TCPConnect|PipeConnect|WriteWrap|ShutdownWrap|Immediate)/

/**
 * Tells when an application has nothing left to do. Never provable: what other threads do for native code is not listed
 * anywhere. So it looks at what is listed, at what happens, and at whether other threads burn time.
 */
export class Stillness {
  readonly #workplace: Workplace

  constructor(workplace: Workplace) {
    this.#workplace = workplace
  }

  /**
   * Settles when everything has run that can without anybody's help.
   *
   * @param limit in real milliseconds
   * @throws Error when that does not happen within the limit, naming what goes on
   */
  async settle(limit: number): Promise<void> {
    const until = realNow() + limit
    do await this.rest(limit)
    while (realNow() < until && this.#workplace.isBusy() && (await this.#isStirring()))
  }

  /** As {@link Stillness.settle}, without a look at other threads: between the steps of something. */
  async rest(limit: number): Promise<void> {
    const until = realNow() + limit
    let before = this.activity
    for (let still = 0; still < STILL_TURNS; still++) {
      await nextTurn()
      const { activity } = this
      const work = shortWork()
      if (activity !== before || work.length > 0) still = -1
      if (still === -1 && realNow() > until) throw unsettled(limit, work)
      before = activity
    }
  }

  /** Grows with whatever happens, in the application and in the process. */
  get activity(): number {
    return this.#workplace.activity() + nodeTiming.uvMetricsInfo.events
  }

  /** Whether something happens within a moment, or other threads are at work. */
  async #isStirring(): Promise<boolean> {
    const before = this.activity
    for (let glance = 0; glance < GLANCES; glance++) {
      const load = new OtherThreads()
      await realDelay(GLANCE)
      if (this.activity !== before || load.isHigh) return true
    }
    return false
  }
}

/** What threads besides this one do: hashing, compressing, native code. */
export class OtherThreads {
  readonly #since = realNow()
  readonly #cpu = process.cpuUsage()
  readonly #loop = loopUtilization()

  /** Whether since then they have been busy for more than half of the time of one. */
  get isHigh(): boolean {
    const { active } = loopUtilization(this.#loop)
    return this.#used - active > this.#elapsed / 2
  }

  /**
   * Whether they have done anything, while this thread did next to nothing: on a busy machine they get little of the
   * processor, and what this thread could have done counts as idle.
   */
  get areAtWork(): boolean {
    return this.#used > this.#elapsed * AT_WORK
  }

  /** Processor time of all threads, in milliseconds. */
  get #used(): number {
    const { user, system } = process.cpuUsage(this.#cpu)
    return (user + system) / 1000
  }

  get #elapsed(): number {
    return realNow() - this.#since
  }
}

function shortWork(): string[] {
  return activeResources().filter(name => SHORT_WORK.test(name))
}

function unsettled(limit: number, work: readonly string[]): Error {
  const what = work.length > 0 ? `: in progress are ${[...new Set(work)].join(', ')}` : ''
  return new Error(`The application did not come to rest within ${limit} ms${what}`)
}
