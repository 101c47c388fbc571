import { Server } from 'node:net'

import { nextTurn, systemClock } from './clock.ts'
import { isWorker } from './worker-link.ts'

/** How long a listener may go on taking what had arrived before it was told to close, in milliseconds. */
const LONGEST = 1000
/**
 * For how many milliseconds it goes on where something came at all: a client that met a full queue may take itself for connected, and sends again after 200.
 */
const PAUSE = 300
/** The same for a worker, whose parent takes that time. */
const WORKER_PAUSE = 2 * PAUSE

/** How a listener is closed. */
export interface ClosingOptions {
  /** How long it may take in all, in milliseconds. */
  readonly limit: number
  /** Whether others listen at the same place, who will be given what this one does not take. */
  readonly hasSuccessor: boolean
}

/**
 * Has a server listen no more, after it has taken the connections that the system had accepted for it: closing at once would
 * reset them, and the requests that their clients have sent. The system is told to accept no further ones meanwhile.
 */
export async function closeListener(server: Server, { limit, hasSuccessor }: ClosingOptions): Promise<void> {
  let count = 0
  const note = () => void count++
  server.on('connection', note)
  refuseFurther((server as Server & { _handle?: ListenerHandle | null })._handle)
  const mayBeHanded = isWorker() && !hasSuccessor
  await takeRest(() => count, { limit: Math.min(limit, LONGEST), mayBeHanded })
  server.off('connection', note)
  Server.prototype.close.call(server) // that of HTTP would end idle connections at once, with requests on their way
}

/** What Node listens with, as far as it is used here; it has no public way to make the queue of a listener smaller. */
export interface ListenerHandle {
  listen?: (backlog: number) => unknown
  close?: () => void
  onconnection?: (...args: unknown[]) => void
}

/** Has the system accept no further connections for a listener. Where Node is made otherwise, nothing happens. */
export function refuseFurther(handle: ListenerHandle | null | undefined): void {
  handle?.listen?.(0)
}

/**
 * Settles when no connection comes any more.
 *
 * @param accepted how many have come so far
 */
export async function takeRest(
  accepted: () => number,
  { limit, mayBeHanded }: { readonly limit: number; readonly mayBeHanded: boolean },
): Promise<void> {
  const end = performance.now() + limit
  await emptyQueue(accepted, end)
  if (accepted() === 0 && !mayBeHanded) return
  await systemClock.delay(Math.min(mayBeHanded ? WORKER_PAUSE : PAUSE, Math.max(end - performance.now(), 0)))
  await emptyQueue(accepted, end + PAUSE)
}

/** Node takes one connection in a turn of the event loop: in one without any, from its beginning on, there was none left. */
async function emptyQueue(accepted: () => number, end: number): Promise<void> {
  let before: number
  await nextTurn()
  do {
    before = accepted()
    await nextTurn()
  } while (accepted() > before && performance.now() < end)
}
