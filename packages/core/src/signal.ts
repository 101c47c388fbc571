import { UsageError } from './usage-error.ts'

/** What a {@link Signal} calls; a promise it returns is awaited before the next receiver runs. */
export type Receiver<Args extends readonly unknown[]> = (...args: Args) => void | Promise<void>

/**
 * An ordered list of callbacks that are awaited one after another, in the order they were added. Not an event
 * emitter: the sender waits, and a receiver that throws stops the rest.
 *
 * Freeze first, then send: an application freezes its signals at startup, so that what runs later is known then.
 *
 * @example
 * ```ts
 * import { Signal } from '@allium/core'
 *
 * const onLogin = new Signal<[userId: string]>('onLogin')
 * onLogin.add(async userId => console.log(`hello ${userId}`))
 * onLogin.freeze()
 * await onLogin.send('ada')
 * ```
 */
export class Signal<Args extends readonly unknown[]> {
  /** Shown in messages. */
  readonly name: string
  readonly #receivers: Receiver<Args>[] = []
  #frozen = false

  constructor(name: string) {
    this.name = name
  }

  /** How many receivers were added. */
  get size(): number {
    return this.#receivers.length
  }

  /**
   * Adds a receiver behind those added before.
   *
   * @throws UsageError `ERR_SIGNAL_FROZEN` after {@link Signal.freeze}
   */
  add(receiver: Receiver<Args>): void {
    if (this.#frozen) {
      throw new UsageError('ERR_SIGNAL_FROZEN', `Cannot add a receiver to ${this.name}: the signal is frozen`)
    }
    this.#receivers.push(receiver)
  }

  /** Ends registration. May be called again. */
  freeze(): void {
    this.#frozen = true
  }

  /**
   * Calls the receivers in order, awaiting each. The first error stops the rest and rejects.
   *
   * @throws UsageError `ERR_SIGNAL_NOT_FROZEN` before {@link Signal.freeze}
   */
  async send(...args: Args): Promise<void> {
    if (!this.#frozen) {
      throw new UsageError('ERR_SIGNAL_NOT_FROZEN', `Cannot send ${this.name}: the signal is not frozen yet`)
    }
    for (const receiver of this.#receivers) await receiver(...args)
  }
}
