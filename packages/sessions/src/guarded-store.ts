import { HttpServiceUnavailable } from '@allium/core'
import type { Awaitable } from '@allium/core'

import type { SessionClock } from './session-clock.ts'
import type {
  ListedSession,
  SessionInsertion,
  SessionMove,
  SessionReplacement,
  SessionStore,
  SessionTouch,
  StoredSession,
  WriteResult,
} from './session-store.ts'

/** A store of which every failure, and every answer that is late, is a 503 (P41). */
export class GuardedStore implements SessionStore {
  readonly #store: SessionStore
  readonly #clock: SessionClock
  readonly #timeout: number

  /** @param timeout how long the store may take for one step, in milliseconds */
  constructor(store: SessionStore, clock: SessionClock, timeout: number) {
    if (!(timeout > 0 && timeout < Infinity)) {
      throw new RangeError(
        `Cannot wait for a session store for ${timeout} ms: it is not positive, or endless`,
      )
    }
    this.#store = store
    this.#clock = clock
    this.#timeout = timeout
  }

  read(id: string, now: number): Promise<StoredSession | undefined> {
    return this.#guard(() => this.#store.read(id, now))
  }

  insert(id: string, insertion: SessionInsertion): Promise<boolean> {
    return this.#guard(() => this.#store.insert(id, insertion))
  }

  replace(id: string, replacement: SessionReplacement): Promise<WriteResult> {
    return this.#guard(() => this.#store.replace(id, replacement))
  }

  move(id: string, move: SessionMove): Promise<WriteResult> {
    return this.#guard(() => this.#store.move(id, move))
  }

  touch(id: string, touch: SessionTouch): Promise<boolean> {
    return this.#guard(() => this.#store.touch(id, touch))
  }

  delete(id: string): Promise<StoredSession | undefined> {
    return this.#guard(() => this.#store.delete(id))
  }

  list(principal: string, now: number): Promise<readonly ListedSession[]> {
    return this.#guard(() => this.#store.list(principal, now))
  }

  deleteAll(principal: string, except?: string | undefined): Promise<number> {
    return this.#guard(() => this.#store.deleteAll(principal, except))
  }

  async #guard<Result>(work: () => Awaitable<Result>): Promise<Result> {
    try {
      const result = work()
      return await (result instanceof Promise ? this.#clock.within(this.#timeout, result) : result)
    } catch (cause) {
      throw new HttpServiceUnavailable(undefined, { cause })
    }
  }
}
