import { METHODS } from 'node:http'
import createFindMyWay from 'find-my-way'

import { decodeSegments } from './decode-path.ts'
import { HostMap, parseHost } from './host-map.ts'
import { ANY_METHOD, MethodTrees } from './method-trees.ts'
import type { UrlParams } from './path-params.ts'
import { parsePath } from './path-pattern.ts'
import { Route } from './route.ts'
import type { RouteMatch, RouteOptions } from './route.ts'
import type { RadixTree } from './route-tree.ts'
import { DEFAULT_MAX_PARAM_LENGTH } from './url-for.ts'
import type { UrlOptions } from './url-for.ts'

/** How a router treats every route. */
export interface RouterOptions {
  /**
   * The longest value of a param, in UTF-16 code units of the decoded text; default 1024. A longer one matches no
   * param; a wildcard has no limit, and a regex never matches more than 64.
   */
  readonly maxParamLength?: number | undefined
}

// find-my-way takes two regexes at one place for duplicates, unless the constraints differ: these are no constraints, and
// equal none. Real duplicates never get this far.
const UNIQUE: Record<string, never> = Object.freeze(Object.create(null) as Record<string, never>)

const knownMethods: ReadonlySet<string> = new Set(METHODS)

/**
 * Finds what was registered for a method, a path and perhaps a host, and builds the URLs that lead there.
 *
 * Paths are in find-my-way's syntax: `/users/:id`, `/users/:id(\\d+)`, `/:x-:y`, `/files/*`, and an optional last
 * `/:x?`. The most specific path wins, not the first: segment by segment, static text before a regex or several params
 * in one segment, that before a param, that before a wildcard. Of two regexes at one place, one that ends in static text
 * is tried first, then the one registered first. `/a` and `/a/` are different paths, and no param is ever empty.
 *
 * @example
 * ```ts
 * import { Router } from '@allium/router'
 *
 * const router = new Router<string>()
 * const show = router.add('GET', '/users/:id', 'show a user', { name: 'users.show' })
 *
 * router.match('GET', '/users/42')?.params.id // '42'
 * show.url({ id: 'a/b' }) // '/users/a%2Fb'
 * ```
 */
export class Router<Value> {
  readonly #maxParamLength: number
  readonly #routes: Route<Value>[] = []
  readonly #named = new Map<string, Route<Value>>()
  readonly #hostless: MethodTrees<Value>
  readonly #hosts = new HostMap<MethodTrees<Value>>()
  #hasHosts = false

  /** @throws RangeError when `maxParamLength` is not a positive integer */
  constructor(options: RouterOptions = {}) {
    this.#maxParamLength = options.maxParamLength ?? DEFAULT_MAX_PARAM_LENGTH
    if (!Number.isSafeInteger(this.#maxParamLength) || this.#maxParamLength < 1) {
      throw new RangeError(
        `Cannot create a router: maxParamLength is ${this.#maxParamLength}, not a positive integer`,
      )
    }
    this.#hostless = this.#createMethodTrees()
  }

  /**
   * Registers a value. On one and the same pattern a route for this very method beats one for any method.
   *
   * @param method one of `METHODS` of `node:http` in any case, a list of them, or `'*'` for any method
   * @param path starts with `/`, or is `''`; its static text may be written decoded or percent-encoded
   * @throws TypeError for a method that Node does not parse, for a broken path or host, for a regex whose cost is not
   *   known to be low, for a name that is taken, and for a duplicate: the same method, pattern and host
   */
  add<const Path extends string>(
    method: string | readonly string[],
    path: Path,
    value: Value,
    options: RouteOptions = {},
  ): Route<Value, Path> {
    const methods = parseMethods(method)
    const pattern = parsePath(path)
    const host = options.host === undefined ? undefined : parseHost(options.host)
    const name = options.name
    this.#assertNameIsFree(`${methods.join(',')} ${path}`, name)

    const trees = this.#treesOf(host)
    const route: Route<Value, Path> = new Route(
      { methods, path, value, name, host, head: options.head ?? true },
      {
        pattern,
        maxParamLength: this.#maxParamLength,
        find: url => trees.treeFor(methods[0] === ANY_METHOD ? 'GET' : methods[0]!).match(url)?.route,
      },
    )
    const other = trees.findDuplicate(methods, pattern)
    if (other !== undefined)
      throw new TypeError(`Cannot add ${route.toString()}: ${other.toString()} answers the same paths`)

    trees.add({ route, pattern })
    this.#routes.push(route)
    if (name !== undefined) this.#named.set(name, route)
    return route
  }

  /**
   * Finds the most specific route. Never throws, whatever the path, and takes time in proportion to its length.
   *
   * A GET route answers HEAD where no HEAD route has the same pattern. When some route claims the host, only routes for
   * that host are looked at (the exact host first, then the longest mask); otherwise only those for no host are.
   *
   * @param method in upper case, as sent
   * @param path in the path form that {@link decodePath} gives
   * @param host the value of the `Host` field or `:authority`; needed only where routes have hosts
   */
  match(method: string, path: string, host?: string | undefined): RouteMatch<Value> | undefined {
    return this.#treesFor(host).treeFor(method).match(path)
  }

  /**
   * The methods that some route answers for a path, sorted, for the `Allow` field (RFC 9110 §10.2.1): HEAD is there where
   * GET answers it, and all methods of `node:http` are where a route is for any method. Empty when nothing matches.
   */
  allowedMethods(path: string, host?: string | undefined): string[] {
    return this.#treesFor(host).methodsFor(path)
  }

  /** The `host` option, in lower case, of the routes that claim the host of a request; `undefined` when none does. */
  claimedHost(host: string): string | undefined {
    return this.#hosts.find(host)?.host
  }

  /** Whether a path holds a segment too long to be a param, so that a miss can be answered 414 (RFC 9110 §15.5.15). */
  exceedsParamLength(path: string): boolean {
    if (path.length <= this.#maxParamLength) return false
    return decodeSegments(path).some(segment => segment.length > this.#maxParamLength)
  }

  /**
   * The URL of the route with this name.
   *
   * @throws TypeError when no route has the name, and as {@link Route.url} does
   * @throws RangeError as {@link Route.url} does
   */
  url(name: string, params?: UrlParams<string> | undefined, options?: UrlOptions | undefined): string {
    const route = this.#named.get(name)
    if (route === undefined)
      throw new TypeError(`Cannot build the URL of route "${name}": no route has this name`)
    return route.url(params, options)
  }

  /** All routes, in the order of their registration. */
  routes(): Route<Value>[] {
    return [...this.#routes]
  }

  #assertNameIsFree(route: string, name: string | undefined): void {
    const other = name === undefined ? undefined : this.#named.get(name)
    if (other !== undefined)
      throw new TypeError(`Cannot add ${route}: the name "${name}" belongs to ${other.toString()}`)
  }

  #treesFor(host: string | undefined): MethodTrees<Value> {
    if (host === undefined || !this.#hasHosts) return this.#hostless
    return this.#hosts.find(host) ?? this.#hostless
  }

  #treesOf(host: string | undefined): MethodTrees<Value> {
    if (host === undefined) return this.#hostless
    this.#hasHosts = true
    return this.#hosts.getOrAdd(host, () => this.#createMethodTrees(host))
  }

  #createMethodTrees(host?: string): MethodTrees<Value> {
    return new MethodTrees(() => createRadixTree(this.#maxParamLength), host)
  }
}

function parseMethods(given: string | readonly string[]): readonly string[] {
  const methods = [
    ...new Set((typeof given === 'string' ? [given] : given).map(method => method.toUpperCase())),
  ]
  if (methods.length === 0) throw new TypeError('Cannot add a route: the list of methods is empty')
  const unknown = methods.find(method => method !== ANY_METHOD && !knownMethods.has(method))
  if (unknown !== undefined) {
    throw new TypeError(`Cannot add a route: "${unknown}" is no method that Node parses, nor "*" for any`)
  }
  return Object.freeze(methods.includes(ANY_METHOD) ? [ANY_METHOD] : methods)
}

/** find-my-way, told to do nothing but to find: one method, no query, and regexes that were checked before. */
function createRadixTree<Leaf>(maxParamLength: number): RadixTree<Leaf> {
  const tree = createFindMyWay({
    maxParamLength,
    allowUnsafeRegex: true,
    querystringParser: () => undefined,
  })
  return {
    add: (path, leaf) => tree.on('GET', path, { constraints: UNIQUE }, neverCalled, leaf),
    find: path => tree.find('GET', path),
  }
}

function neverCalled(): void {}
