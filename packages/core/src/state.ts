import { UsageError } from './usage-error.ts'

/**
 * A typed key of application state. The key object itself is the identity: two keys of the same name are two
 * different keys, so modules cannot collide, and the name only serves messages.
 *
 * @example
 * ```ts
 * import { AppKey, Application } from '@allium/core'
 *
 * const greeting = new AppKey<string>('greeting')
 * const app = new Application()
 * app.state.set(greeting, 'hello')
 * console.log(app.state.get(greeting).toUpperCase()) // typed: string
 * ```
 */
export class AppKey<Value> {
  /** Makes `AppKey<A>` and `AppKey<B>` incompatible; has no run-time existence. */
  declare readonly '~value': Value
  /** Keeps application keys and request keys apart; has no run-time existence. */
  declare readonly '~scope': 'app'
  /** Shown in messages. */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A typed key of request state, for what one middleware leaves for the next: see {@link AppKey}. */
export class RequestKey<Value> {
  /** Makes `RequestKey<A>` and `RequestKey<B>` incompatible; has no run-time existence. */
  declare readonly '~value': Value
  /** Keeps application keys and request keys apart; has no run-time existence. */
  declare readonly '~scope': 'request'
  /** Shown in messages. */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A value for a key, as {@link stateEntry} pairs them: what overrides of application state are made of. */
export interface StateEntry {
  /** An `AppKey`. */
  readonly key: object
  /** Its value. */
  readonly value: unknown
}

/** The reading side of application state: what a handler sees at `request.app.state`. */
export interface ReadonlyState {
  /**
   * The value of the key, here or in the nearest application further out.
   *
   * @throws UsageError `ERR_STATE_KEY_UNSET` naming the key when nobody has set it
   */
  get<Value>(key: AppKey<Value>): Value
  /** As `get`, but `undefined` where nobody has set the key. */
  find<Value>(key: AppKey<Value>): Value | undefined
  /** Whether the key is set, here or further out. */
  has(key: AppKey<unknown>): boolean
}

/** Pairs a key with a value of its own type. */
export function stateEntry<Value>(key: AppKey<Value>, value: Value): StateEntry {
  return { key, value }
}

/**
 * Application state: set while the application is built and started, read-only afterwards. A sub-application
 * sees its parent's values behind its own and never writes upward.
 */
export class AppState implements ReadonlyState {
  readonly #values = new Map<object, unknown>()
  #parent: AppState | undefined
  #frozen = false

  get<Value>(key: AppKey<Value>): Value {
    const owner = this.#ownerOf(key)
    if (!owner) throw unset('app', key.name)
    // only set(key, value) stores under this key
    return owner.#values.get(key) as Value
  }

  find<Value>(key: AppKey<Value>): Value | undefined {
    const owner = this.#ownerOf(key)
    // as in get
    return owner && (owner.#values.get(key) as Value)
  }

  has(key: AppKey<unknown>): boolean {
    return this.#ownerOf(key) !== undefined
  }

  /**
   * Stores a value under the key, in this application only.
   *
   * @throws UsageError `ERR_STATE_FROZEN` once startup has finished: keep a mutable object in the state if
   *   something has to change while serving
   */
  set<Value>(key: AppKey<Value>, value: Value): void {
    if (this.#frozen) {
      throw new UsageError(
        'ERR_STATE_FROZEN',
        `Cannot set app state "${key.name}": the application is frozen`,
      )
    }
    this.#values.set(key, value)
  }

  /** The keys that are set in this application itself, in the order in which they were. */
  keys(): AppKey<unknown>[] {
    // only set(key, value) and overrides, which stateEntry makes, store here
    return [...this.#values.keys()] as AppKey<unknown>[]
  }

  /** @internal Makes the parent's values visible behind the own ones. */
  inherit(parent: AppState): void {
    this.#parent = parent
  }

  /** @internal */
  freeze(): void {
    this.#frozen = true
  }

  /** @internal What {@link restore} goes back to, so that an application can be started again. */
  snapshot(): ReadonlyMap<object, unknown> {
    return new Map(this.#values)
  }

  /** @internal */
  restore(snapshot: ReadonlyMap<object, unknown>): void {
    this.#frozen = false
    this.#values.clear()
    for (const [key, value] of snapshot) this.#values.set(key, value)
  }

  /** @internal */
  override(entries: readonly StateEntry[]): void {
    for (const { key, value } of entries) this.#values.set(key, value)
  }

  #ownerOf(key: object): AppState | undefined {
    if (this.#values.has(key)) return this
    return this.#parent && this.#parent.#ownerOf(key)
  }
}

/** State of one request, never frozen: what middlewares leave for each other and for the handler. */
export class RequestState {
  readonly #values = new Map<object, unknown>()

  /**
   * The value of the key.
   *
   * @throws UsageError `ERR_STATE_KEY_UNSET` naming the key when nobody has set it on this request
   */
  get<Value>(key: RequestKey<Value>): Value {
    if (!this.#values.has(key)) throw unset('request', key.name)
    // only set(key, value) stores under this key
    return this.#values.get(key) as Value
  }

  /** As `get`, but `undefined` where nobody has set the key. */
  find<Value>(key: RequestKey<Value>): Value | undefined {
    // as in get
    return this.#values.get(key) as Value | undefined
  }

  /** Whether somebody has set the key on this request. */
  has(key: RequestKey<unknown>): boolean {
    return this.#values.has(key)
  }

  /** Stores a value under the key, replacing an earlier one. */
  set<Value>(key: RequestKey<Value>, value: Value): void {
    this.#values.set(key, value)
  }
}

function unset(kind: 'app' | 'request', name: string): UsageError {
  return new UsageError('ERR_STATE_KEY_UNSET', `Cannot get ${kind} state "${name}": nobody has set it`)
}
