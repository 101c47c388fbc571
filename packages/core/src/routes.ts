import { urlFor } from '@allium/router'
import type { PathParams, UrlArguments, UrlOptions, UrlParams } from '@allium/router'

import type { Handler, Middleware } from './middleware.ts'
import { routeTimeout } from './middlewares/timeout.ts'
import { RouteMeta } from './route-meta.ts'
import type { RouteMetaEntry } from './route-meta.ts'
import type { RouteRecord } from './scope.ts'

/** What a route can be given besides method, path and handler. */
export interface RouteOptions {
  /** For `app.url(name, …)`; unique in its application. */
  readonly name?: string | undefined
  /** Run for this route only, inside those of the application, in order. */
  readonly middlewares?: readonly Middleware[] | undefined
  /** Typed metadata, read at `request.route.meta`: see {@link RouteKey}. */
  readonly meta?: readonly RouteMetaEntry[] | undefined
  /** The largest body that is read, in bytes; default: the application's. `Infinity` for no limit. */
  readonly bodyLimit?: number | undefined
  /**
   * How long the answer may take until its headers leave, in milliseconds, else 503: see `timeout` of
   * `@allium/core/middlewares`, which gives way to it. `Infinity` for no limit, which is the default.
   */
  readonly timeout?: number | undefined
  /** Whether a GET route answers HEAD as well; default `true`. */
  readonly head?: boolean | undefined
}

/** A route as data: made by {@link get}, {@link post} and their kin, registered by `app.addRoutes`. */
export interface RouteDefinition {
  /** A method, `*` for any. */
  readonly method: string
  /** The pattern. */
  readonly path: string
  /** Answers. */
  readonly handler: Handler
  /** Everything else. */
  readonly options: RouteOptions
}

/** A registered route: hand it around to link to it, redirect to it, or test it. */
export class Route<Path extends string = string> {
  /** The method it was registered with, `*` for any. */
  readonly method: string
  /** The pattern within its application. */
  readonly path: Path
  /** Its name, if it has one. */
  readonly name: string | undefined
  readonly #prefix: () => string

  /** @internal Routes are made by registering them. */
  constructor(method: string, path: Path, name: string | undefined, prefix: () => string) {
    this.method = method
    this.path = path
    this.name = name
    this.#prefix = prefix
  }

  /**
   * The address of the route with these params: path-absolute, mount prefixes included, every value encoded so
   * that the router gives it back.
   *
   * @throws TypeError for a param that is missing, superfluous, or has a value that would not come back
   */
  url(...args: UrlArguments<Path>): string {
    const [params, options] = args
    return mountedUrl(this.#prefix(), this.path, params, options)
  }
}

/** The URL of a path below a mount prefix. */
export function mountedUrl(
  prefix: string,
  path: string,
  params: Readonly<Record<string, unknown>> | undefined,
  options: UrlOptions | undefined,
): string {
  const mounted = prefix !== '' && path === '/' ? prefix : prefix + path
  return urlFor(mounted || '/', (params ?? {}) as UrlParams<string>, options) // checked by name and value in there
}

/** Builds the record an application keeps. @internal */
export function toRouteRecord({ method, path, handler, options }: RouteDefinition): RouteRecord {
  const limit = options.timeout === undefined ? undefined : routeTimeout(options.timeout)
  return {
    method: method.toUpperCase(),
    path,
    name: options.name,
    handler,
    middlewares: [...(limit?.middlewares ?? []), ...(options.middlewares ?? [])],
    meta: new RouteMeta([...(limit ? [limit.meta] : []), ...(options.meta ?? [])]),
    bodyLimit: options.bodyLimit,
    head: options.head ?? true,
  }
}

/** A route of any method, `*` for all, as data. */
export function route<const Path extends string>(
  method: string,
  path: Path,
  handler: Handler<PathParams<Path>>,
  options: RouteOptions = {},
): RouteDefinition {
  // The router gives this handler the params of this very path: the one place where their type is forgotten.
  return { method, path, handler: handler as Handler, options }
}

/** A GET route as data, for `app.addRoutes`. */
export function get<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('GET', path, handler, options)
}

/** A POST route as data, for `app.addRoutes`. */
export function post<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('POST', path, handler, options)
}

/** A PUT route as data, for `app.addRoutes`. */
export function put<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('PUT', path, handler, options)
}

/** A PATCH route as data, for `app.addRoutes`. */
export function patch<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('PATCH', path, handler, options)
}

/** A DELETE route as data, for `app.addRoutes`. */
export function del<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('DELETE', path, handler, options)
}

/** A HEAD route as data, for `app.addRoutes`. */
export function head<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('HEAD', path, handler, options)
}

/** A OPTIONS route as data, for `app.addRoutes`. */
export function options<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('OPTIONS', path, handler, options)
}

/** A QUERY route as data, for `app.addRoutes`. */
export function query<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('QUERY', path, handler, options)
}

/** A route for every method as data, for `app.addRoutes`. */
export function any<const Path extends string>(
  path: Path,
  handler: Handler<PathParams<Path>>,
  options?: RouteOptions | undefined,
): RouteDefinition {
  return route('*', path, handler, options)
}

/**
 * Routes under a common prefix, with middlewares of their own inside those of the application.
 *
 * @param prefix begins with '/', does not end with it
 * @example
 * ```ts
 * import { Application, get, group, post, text } from '@allium/core'
 *
 * const app = new Application()
 * app.addRoutes(
 *   group('/notes', [get('', () => text('all')), post('', () => text('made', { status: 201 }))], {
 *     middlewares: [(request, next) => next(request)],
 *   }),
 * )
 * ```
 */
export function group(
  prefix: string,
  definitions: readonly RouteDefinition[],
  options: Pick<RouteOptions, 'middlewares' | 'meta'> = {},
): RouteDefinition[] {
  return definitions.map(definition => ({
    ...definition,
    path: prefix + definition.path,
    options: {
      ...definition.options,
      middlewares: [...(options.middlewares ?? []), ...(definition.options.middlewares ?? [])],
      meta: [...(options.meta ?? []), ...(definition.options.meta ?? [])],
    },
  }))
}
