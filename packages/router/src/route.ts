import { decodePath } from './decode-path.ts'
import type { PathPattern } from './path-pattern.ts'
import { pathFor, queryFor } from './url-for.ts'
import type { UrlArguments } from './url-for.ts'

/** What a route can be given besides method, path and value. */
export interface RouteOptions {
  /** For {@link Router.url}; unique in its router. */
  readonly name?: string | undefined
  /**
   * The host that the route is for: a name or address in ASCII, or a mask such as `*.example.com` for every name below
   * a domain, the domain itself excluded. Case, port and a trailing dot make no difference. Default: every host that no
   * route claims.
   */
  readonly host?: string | undefined
  /** Whether a GET route answers HEAD as well, where no HEAD route has the same pattern; default `true`. */
  readonly head?: boolean | undefined
}

/** What a router found for a path. */
export interface RouteMatch<out Value> {
  /** The most specific route that answers. */
  readonly route: Route<Value>
  /**
   * The decoded values, without a prototype, so that `__proto__` is a name like any other. A wildcard, `'*'`, keeps
   * the path form: take it apart with {@link decodeSegments}.
   */
  readonly params: Readonly<Record<string, string>>
}

/** A registered route. */
export class Route<out Value, const Path extends string = string> {
  /** In upper case, as registered; `['*']` for any method. */
  readonly methods: readonly string[]
  /** The pattern, as registered. */
  readonly path: Path
  /** What was registered. */
  readonly value: Value
  /** What {@link Router.url} knows it by. */
  readonly name: string | undefined
  /** In lower case, without port. */
  readonly host: string | undefined
  /** Whether HEAD is answered where GET is. */
  readonly head: boolean
  readonly #owner: RouteOwner

  /** @internal Routes are made by {@link Router.add}. */
  constructor(fields: RouteFields<Value, Path>, owner: RouteOwner) {
    this.methods = fields.methods
    this.path = fields.path
    this.value = fields.value
    this.name = fields.name
    this.host = fields.host
    this.head = fields.head
    this.#owner = owner
  }

  /**
   * The URL of the route with these params. In its router, the URL leads to the path of this route and gives these
   * params back; otherwise there is none.
   *
   * @throws TypeError as {@link urlFor} does, and when a more specific path is the one that answers the URL, as
   *   `/users/new` does for `/users/:id`
   * @throws RangeError for a value longer than the router's `maxParamLength`, or a number that is not finite
   */
  url(...args: UrlArguments<Path>): string {
    const [params, options] = args
    const path = pathFor(this.#owner.pattern, params ?? {}, this.#owner.maxParamLength)
    this.#assertLeadsHere(path)
    return path + queryFor(options)
  }

  /** `GET /users/:id (users.show)`, for messages and listings. */
  toString(): string {
    const name = this.name === undefined ? '' : ` (${this.name})`
    return `${this.methods.join(',')} ${this.host ?? ''}${this.path}${name}`
  }

  #assertLeadsHere(path: string): void {
    const other = this.#owner.find(decodePath(path)!) // what pathFor encodes, decodes
    if (other !== undefined && isSamePath(other.#owner.pattern, this.#owner.pattern)) return
    throw new TypeError(
      `Cannot build a URL of "${this.path}": "${path}" leads to ${other?.toString() ?? 'no route'}`,
    )
  }
}

/** What a route needs of the router that made it. @internal */
export interface RouteOwner {
  readonly pattern: PathPattern
  readonly maxParamLength: number
  /** The route that answers a path, given in the path form, for the method of this one. */
  readonly find: (path: string) => Route<unknown> | undefined
}

type RouteFields<Value, Path extends string> = Pick<
  Route<Value, Path>,
  'methods' | 'path' | 'value' | 'name' | 'host' | 'head'
>

function isSamePath(one: PathPattern, other: PathPattern): boolean {
  return one.variants.some(({ key }) => other.variants.some(variant => variant.key === key))
}
