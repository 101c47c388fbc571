import type { AppResources } from './app-resources.ts'
import { activeResources, ownTimers } from './real-time.ts'
import { OtherThreads } from './stillness.ts'

/** What {@link Quiescence} looks at. */
export interface QuietPlace {
  /** Grows with whatever happens, in the application and in the process. */
  readonly activity: () => number
  /** Whether a test waits for time to pass, or for the application to come to rest. */
  readonly isAwaited: () => boolean
  readonly resources: AppResources
  /** What Node calls the sockets between client and server; `undefined` for those in memory, which it does not know. */
  readonly socketType: 'TCPSocketWrap' | 'PipeWrap' | undefined
  /** How many of them there are, of both ends. */
  readonly ownSockets: () => number
}

/** How often in a row nothing may be going on: every 5 ms somebody looks, so this is a tenth of a second. */
const QUIET_LOOKS = 20
/** Work that ends by itself and soon, and connections to elsewhere: wherever they were begun, something may come of them. */
const TALKATIVE =
  /^(?:FSReq|GetAddrInfo|GetNameInfo|TCPConnect|PipeConnect|WriteWrap|ShutdownWrap|Immediate|TCPSocketWrap)/

/**
 * Tells when nothing can happen any more by itself, so that what is still waited for will never come: no file, socket,
 * process or timer of the application is left that could bring it on, and none that the test has begun. Not provable for
 * native code that waits without working, which is why it looks for a tenth of a second.
 */
export class Quiescence {
  readonly #place: QuietPlace
  readonly #before: ReadonlyMap<string, number>
  #activity = ''
  #looks = 0
  #threads = new OtherThreads()

  /** What is open now is part of the surroundings, but for connections to elsewhere. */
  constructor(place: QuietPlace) {
    this.#place = place
    this.#before = this.#others()
  }

  /** Whether nothing has gone on at this look and those before it. */
  look(): boolean {
    const { activity, isAwaited, resources } = this.#place
    // A timer that has just gone off is no event yet, and may have set something off.
    const now = `${activity()} ${resources.timersState}`
    if (now !== this.#activity || isAwaited() || resources.isListening || this.#isSomethingNew) {
      return this.#startOver(now)
    }
    if (++this.#looks < QUIET_LOOKS) return false
    return this.#threads.areAtWork ? this.#startOver(now) : true
  }

  /** Whether a timer of the application may go off before that moment. */
  mayGoOffBefore(deadline: number): boolean {
    const { nextTimer } = this.#place.resources
    return nextTimer !== Infinity && nextTimer <= deadline
  }

  #startOver(activity: string): false {
    this.#activity = activity
    this.#looks = 0
    this.#threads = new OtherThreads()
    return false
  }

  get #isSomethingNew(): boolean {
    for (const [type, count] of this.#others()) {
      const known = TALKATIVE.test(type) ? 0 : (this.#before.get(type) ?? 0)
      if (count > known) return true
    }
    return false
  }

  /** What there is besides the application's timers and the client's own means, by type. */
  #others(): Map<string, number> {
    const { resources, ownSockets, socketType } = this.#place
    const counts = new Map<string, number>()
    const add = (type: string, count: number) => counts.set(type, (counts.get(type) ?? 0) + count)
    for (const type of activeResources()) add(type, 1)
    add('Timeout', -resources.awaitedTimers - ownTimers())
    if (socketType) add(socketType, -ownSockets())
    return counts
  }
}
