/**
 * A typed key of route metadata: what a middleware wants to know about the route it guards.
 *
 * @example
 * ```ts
 * import { Application, HttpForbidden, RouteKey, text } from '@allium/core'
 *
 * const role = new RouteKey<string>('role')
 * const app = new Application()
 *
 * app.use((request, next) => {
 *   if (request.route?.meta.find(role) === 'admin') throw new HttpForbidden()
 *   return next(request)
 * })
 * app.get('/audit', () => text('…'), { meta: [role.with('admin')] })
 * ```
 */
export class RouteKey<Value> {
  /** Makes `RouteKey<A>` and `RouteKey<B>` incompatible; has no run-time existence. */
  declare readonly '~value': Value
  /** Shown in messages and listings. */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /** This key with a value, for the `meta` option of a route. */
  with(value: Value): RouteMetaEntry {
    return { key: this, value }
  }
}

/** One entry of a route's `meta` option: made by {@link RouteKey.with}. */
export interface RouteMetaEntry {
  /** The key. */
  readonly key: RouteKey<unknown>
  /** Its value. */
  readonly value: unknown
}

/** What a route was registered with, read by key. */
export class RouteMeta {
  readonly #values: ReadonlyMap<object, unknown>

  constructor(entries: readonly RouteMetaEntry[] = []) {
    this.#values = new Map(entries.map(({ key, value }) => [key, value]))
  }

  /** The value of the key, or `undefined` when the route has none. */
  find<Value>(key: RouteKey<Value>): Value | undefined {
    // only key.with(value) makes entries
    return this.#values.get(key) as Value | undefined
  }

  /** Whether the route has a value for the key. */
  has(key: RouteKey<unknown>): boolean {
    return this.#values.has(key)
  }
}
