import { AsyncLocalStorage, createHook, executionAsyncId } from 'node:async_hooks'
import type { AsyncHook } from 'node:async_hooks'

import { createdHere, isMadeByProgram } from './creation-site.ts'
import type { CreationSite } from './creation-site.ts'

/** A promise that nobody awaited when it was looked at. */
export interface AbandonedPromise {
  /** Where it was made. */
  readonly site: CreationSite
  /** Whether somebody awaits it by now. */
  readonly isAwaited: boolean
}

/** A promise that was made on behalf of somebody. */
interface WatchedPromise<Owner> extends AbandonedPromise {
  readonly owner: Owner
  /** Whether it comes from `then` or `await`, and thus from another promise. */
  readonly isDerived: boolean
  isAwaited: boolean
}

/** A stretch of JavaScript between two turns of the event loop. */
interface Stretch<Owner> {
  since: number
  blamed: Owner | undefined
}

/**
 * Watches over promises and the event loop, by the hooks that Node has for it. They cost several microseconds for each
 * promise in the process: for debug mode alone.
 */
export class PromiseWatch<Owner extends object> {
  readonly #owners = new AsyncLocalStorage<Owner>()
  readonly #promises = new Map<number, WatchedPromise<Owner>>()
  readonly #idsOf = new WeakMap<Owner, number[]>()
  readonly #sites = new WeakMap<object, CreationSite>()
  readonly #stretches: Stretch<Owner>[] = []
  readonly #limit: number
  readonly #onBlocked: (owner: Owner | undefined, duration: number) => void
  readonly #hook: AsyncHook
  readonly #init = (id: number, type: string, trigger: number, resource: object): void => {
    if (type === 'PROMISE') this.#made(id, trigger, resource)
  }

  /**
   * @param limit how long the event loop may be blocked, in milliseconds
   * @param onBlocked is told of whatever takes longer
   */
  constructor(limit: number, onBlocked: (owner: Owner | undefined, duration: number) => void) {
    this.#limit = limit
    this.#onBlocked = onBlocked
    this.#hook = createHook({
      init: this.#init,
      before: id =>
        void this.#stretches.push({ since: performance.now(), blamed: this.#promises.get(id)?.owner }),
      after: () => this.#ended(),
      promiseResolve: id => void this.#promises.delete(id),
    })
  }

  start(): void {
    this.#hook.enable()
  }

  stop(): void {
    this.#hook.disable()
    this.#promises.clear()
    this.#stretches.length = 0
  }

  /** Runs on behalf of an owner: what is made there, and in all that it sets off, is its own. */
  follow<Value>(owner: Owner, run: () => Value): Value {
    this.#idsOf.set(owner, [])
    return this.#owners.run(owner, run)
  }

  /** The owner has its turn: what takes long from now on is its doing. */
  blame(owner: Owner): void {
    const stretch = this.#stretches.at(-1)
    if (stretch) stretch.blamed = owner
  }

  /** Somebody has had its turn: was it too long? */
  look(): void {
    const stretch = this.#stretches.at(-1)
    if (stretch) this.#look(stretch)
  }

  /** What the program has made, is still pending, and nobody awaits. */
  *abandoned(owner: Owner): Generator<AbandonedPromise, undefined> {
    for (const id of this.#idsOf.get(owner) ?? []) {
      const promise = this.#promises.get(id)
      if (promise && !promise.isDerived && !promise.isAwaited && isMadeByProgram(promise.site)) yield promise
    }
  }

  /** The owner is done. */
  forget(owner: Owner): void {
    for (const id of this.#idsOf.get(owner) ?? []) this.#promises.delete(id)
    this.#idsOf.delete(owner)
  }

  /** Where a promise was made, if that was seen. */
  siteOf(promise: object): CreationSite | undefined {
    return this.#sites.get(promise)
  }

  #made(id: number, trigger: number, promise: object): void {
    const site = createdHere(this.#init)
    this.#sites.set(promise, site)
    const parent = this.#promises.get(trigger)
    if (parent && trigger !== executionAsyncId()) parent.isAwaited = true
    const owner = this.#owners.getStore()
    const ids = owner && this.#idsOf.get(owner)
    if (!ids) return
    ids.push(id)
    this.#promises.set(id, { owner, site, isDerived: trigger !== executionAsyncId(), isAwaited: false })
  }

  #ended(): void {
    const stretch = this.#stretches.pop()
    if (stretch) this.#look(stretch)
  }

  #look(stretch: Stretch<Owner>): void {
    const now = performance.now()
    const duration = now - stretch.since
    if (duration <= this.#limit) return
    for (const each of [stretch, ...this.#stretches]) each.since = now // told once
    this.#onBlocked(stretch.blamed, duration)
  }
}
