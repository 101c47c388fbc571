// Bound at import: what a test puts in the place of these later does not stop the client itself.
import { setImmediate, setTimeout } from 'node:timers'

const elapsed = performance.now.bind(performance)

/** What `performance.now()` is, whatever a test has put in its place. */
export function realNow(): number {
  return elapsed()
}

// Of the process, as the list of its immediates is, in which these would look like work of an application.
let awaitedTurns = 0

/** Settles when everything that is ready has run. */
export function nextTurn(): Promise<void> {
  awaitedTurns++
  return new Promise(resolve =>
    setImmediate(() => {
      awaitedTurns--
      resolve()
    }),
  )
}

/** What keeps the process alive, in the words of Node, but for those who wait in {@link nextTurn}. */
export function activeResources(): string[] {
  let awaited = awaitedTurns
  return process.getActiveResourcesInfo().filter(name => name !== 'Immediate' || awaited-- <= 0)
}

/** Settles after so many real milliseconds. */
export function realDelay(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

// Of the process too: what one client waits with is no sign of life to another.
let timers = 0

/** How many timers for which the process waits are those of clients that wait for an answer. */
export function ownTimers(): number {
  return timers
}

/** Somebody has begun (1) or ended (-1) to keep the process alive with a timer. */
export function countOwnTimer(change: 1 | -1): void {
  timers += change
}
