import type { StandardSchemaV1 } from '@standard-schema/spec'

/** How a {@link SessionKey} reads what is stored. */
export interface SessionKeyOptions<Value> {
  /** What a stored value has to pass. One that does not is as if it were not there: it may be years old. */
  readonly schema?: StandardSchemaV1<unknown, Value> | undefined
}

/**
 * A typed key of session values. Sessions outlive the process, so the *name* is the identity: two keys of one name mean
 * the same value.
 *
 * What is stored under it is JSON: a `Date` comes back as text, a `Map` as an empty object, unless a schema makes them
 * anew. A schema has to accept what it gives, since that is what is stored, and must not be asynchronous.
 *
 * @example
 * ```ts
 * import { SessionKey } from '@allium/sessions'
 *
 * const views = new SessionKey<number>('views')
 * const cart = new SessionKey<{ sku: string; count: number }[]>('cart')
 * console.log(views.name, cart.name)
 * ```
 */
export class SessionKey<Value> {
  /** Makes `SessionKey<A>` and `SessionKey<B>` incompatible; has no run-time existence. */
  declare readonly '~value': Value
  /** What the value is stored under. */
  readonly name: string
  readonly #schema: StandardSchemaV1<unknown, Value> | undefined

  /** @throws TypeError for an empty name, or one that begins with `~`, which are kept for the library */
  constructor(name: string, options: SessionKeyOptions<Value> = {}) {
    if (name === '' || name.startsWith('~')) {
      throw new TypeError(`Cannot name a session key "${name}": it is empty, or begins with "~"`)
    }
    this.name = name
    this.#schema = options.schema
  }

  /** @internal What a stored value means; `undefined` when it does not pass. */
  read(stored: unknown): Value | undefined {
    // without a schema, only set(key, value) stores under this name
    if (stored === undefined || !this.#schema) return stored as Value | undefined
    const result = this.#schema['~standard'].validate(stored)
    if (result instanceof Promise) {
      result.catch(() => {})
      throw new TypeError(`Cannot read session value "${this.name}": its schema is asynchronous`)
    }
    return result.issues ? undefined : result.value
  }
}
