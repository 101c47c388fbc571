import { enterContext, runTeardowns } from './cleanup-context.ts'
import type { CleanupContext, PendingTeardown, Teardown } from './cleanup-context.ts'
import type { Logger } from './logger.ts'
import { Signal } from './signal.ts'
import type { AppKey, AppState, StateEntry } from './state.ts'

interface NamedContext<Owner> {
  readonly name: string
  readonly key: AppKey<unknown> | undefined
  readonly context: CleanupContext<Owner>
  readonly origin: Error
}

/** What a {@link Lifecycle} needs of the application it starts and stops. */
export interface LifecycleOwner {
  readonly state: AppState
  readonly logger: Logger
}

/**
 * Startup, shutdown and cleanup of one application, and through `children` of those mounted in it.
 *
 * In: own contexts in order, `onStartup`, then the children. Out, exactly reversed: the children, own contexts
 * last first, `onCleanup`.
 */
export class Lifecycle<Owner extends LifecycleOwner> {
  readonly onStartup: Signal<[Owner]> = new Signal('onStartup')
  readonly onShutdown: Signal<[Owner]> = new Signal('onShutdown')
  readonly onCleanup: Signal<[Owner]> = new Signal('onCleanup')
  readonly #owner: Owner
  readonly #contexts: NamedContext<Owner>[] = []
  readonly #children: Lifecycle<Owner>[] = []
  #teardowns: Teardown[] = []

  constructor(owner: Owner) {
    this.#owner = owner
  }

  addContext(name: string, context: CleanupContext<Owner>, key?: AppKey<unknown>): void {
    this.#contexts.push({ name, context, key, origin: new Error('Added') })
  }

  addChild(child: Lifecycle<Owner>): void {
    this.#children.push(child)
  }

  /** The teardowns that have not run to their end, the next one first. */
  get pendingTeardowns(): PendingTeardown[] {
    const named = this.#teardowns.flatMap(({ name, origin }) =>
      name === undefined ? [] : { name, addedAt: origin?.stack },
    )
    return named.reverse()
  }

  freeze(): void {
    for (const signal of [this.onStartup, this.onShutdown, this.onCleanup]) signal.freeze()
    for (const child of this.#children) child.freeze()
  }

  /**
   * Starts everything, or nothing: a failure half-way unwinds what was entered and rethrows the original error.
   *
   * @param overrides state that stands from the beginning; the providers of these keys are not run
   */
  async start(overrides: readonly StateEntry[]): Promise<void> {
    this.#owner.state.override(overrides)
    try {
      await this.#enter(new Set(overrides.map(({ key }) => key)), this.#teardowns)
    } catch (error) {
      for (const err of await runTeardowns(this.#teardowns)) {
        this.#owner.logger.error({ err }, 'A teardown failed after a failed startup')
      }
      throw error
    }
  }

  /** Sends `onShutdown`, innermost applications first; every application gets it, and errors gather. */
  async shutdown(): Promise<void> {
    const errors: unknown[] = []
    for (const child of this.#children.toReversed()) await child.shutdown().catch(error => errors.push(error))
    await this.onShutdown.send(this.#owner).catch(error => errors.push(error))
    throwGathered(errors, 'Several onShutdown receivers failed')
  }

  /** Unwinds what was started. Every teardown runs; one error is thrown as it is, several as an AggregateError. */
  async cleanup(): Promise<void> {
    throwGathered(await runTeardowns(this.#teardowns), 'Several teardowns failed')
  }

  async #enter(overridden: ReadonlySet<unknown>, teardowns: Teardown[]): Promise<void> {
    const { state } = this.#owner
    const before = state.snapshot()
    teardowns.push({ name: undefined, run: async () => state.restore(before) })

    // Below the contexts, so that it runs after their teardown; only for an application that did start.
    let started = false
    const { name } = this.onCleanup
    teardowns.push({ name, run: async () => (started ? this.onCleanup.send(this.#owner) : undefined) })

    for (const { name, key, context, origin } of this.#contexts) {
      if (key && overridden.has(key)) continue
      const { value, teardown } = await enterContext(context, this.#owner, name)
      teardowns.push({ ...teardown, origin })
      if (key) state.set(key, value)
    }
    await this.onStartup.send(this.#owner)
    started = true
    for (const child of this.#children) await child.#enter(overridden, teardowns)
    state.freeze()
  }
}

function throwGathered(errors: readonly unknown[], message: string): void {
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, message)
}
