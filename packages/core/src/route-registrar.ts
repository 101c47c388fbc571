import type { PathParams } from '@allium/router'

import type { Handler } from './middleware.ts'
import { any, del, get, head, options, patch, post, put, query, route } from './routes.ts'
import type { Route, RouteDefinition, RouteOptions } from './routes.ts'
import { StaticFiles } from './static-files.ts'
import type { StaticOptions } from './static-files.ts'
import { viewRoutes } from './view.ts'
import type { ViewClass } from './view.ts'

/**
 * The methods by which routes are registered. Every path is find-my-way's: `/users/:id`, `/users/:id(\\d+)`,
 * `/a/:x-:y`, `/files/*`, a last optional `:page?`; `params` in the handler are typed from it. Static segments win
 * over parameters, and those over the wildcard, whatever the order of registration.
 */
export abstract class RouteRegistrar {
  /** Adds a route that was made as data. */
  abstract addRoute<Path extends string>(definition: RouteDefinition & { readonly path: Path }): Route<Path>

  /** Adds a route for a method, `*` for every method. */
  route<const Path extends string>(
    method: string,
    path: Path,
    handler: Handler<PathParams<Path>>,
    options?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...route(method, path, handler, options), path })
  }

  /** Adds a GET route; it answers HEAD too, unless `head: false`. */
  get<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...get(path, handler, routeOptions), path })
  }

  /** Adds a POST route. */
  post<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...post(path, handler, routeOptions), path })
  }

  /** Adds a PUT route. */
  put<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...put(path, handler, routeOptions), path })
  }

  /** Adds a PATCH route. */
  patch<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...patch(path, handler, routeOptions), path })
  }

  /** Adds a DELETE route. */
  delete<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...del(path, handler, routeOptions), path })
  }

  /** Adds a HEAD route, for where it differs from GET. */
  head<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...head(path, handler, routeOptions), path })
  }

  /** Adds an OPTIONS route, in place of the automatic answer. */
  options<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...options(path, handler, routeOptions), path })
  }

  /** Adds a QUERY route: a safe request with a body (RFC 10008). Node knows the method from 20.19 and 22 on. */
  query<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...query(path, handler, routeOptions), path })
  }

  /** Adds a route for every method; a route for one method on the same path wins over it. */
  any<const Path extends string>(
    path: Path,
    handler: Handler<PathParams<Path>>,
    routeOptions?: RouteOptions | undefined,
  ): Route<Path> {
    return this.addRoute({ ...any(path, handler, routeOptions), path })
  }

  /**
   * Serves the files of a directory below a path, to GET and HEAD: with conditions, ranges and caching as `file` does,
   * `index.html` for a directory, whose URL ends with a slash, 404 for whatever else. More specific routes win.
   *
   * Nothing outside of the directory is ever served: symlinks that lead out of it, names that begin with a dot, and what
   * is neither file nor directory are 404 like what is missing.
   *
   * @param prefix `'/'`, or literal segments
   * @param directory relative to the working directory, or a `file:` URL. Its real path is taken now: another target of a
   *   symlink on the way needs a restart.
   * @throws TypeError when the directory does not exist, or for options that contradict each other
   * @throws Error naming both when another route has the path
   *
   * @example
   * ```ts
   * import { Application, html } from '@allium/core'
   *
   * const app = new Application()
   * const source = app.static('/source', new URL('.', import.meta.url), { maxAge: 60 })
   *
   * app.get('/', () => html(`<a href="${source.url('main.js')}">source</a>`))
   * ```
   */
  static(prefix: string, directory: string | URL, options?: StaticOptions | undefined): StaticFiles {
    const files = new StaticFiles(prefix, directory, options)
    const [wildcard] = this.addRoutes(files.routes)
    files.bind(wildcard!) // there is one
    return files
  }

  /** Adds routes that were made as data, with {@link get}, {@link post}, {@link group} …; gives them back in order. */
  addRoutes(definitions: readonly RouteDefinition[]): Route[] {
    return definitions.map(definition => this.addRoute(definition))
  }

  /** Adds one route for each method that the class defines: see {@link View}. */
  view<const Path extends string>(
    path: Path,
    viewClass: ViewClass<Path>,
    options?: RouteOptions | undefined,
  ): Route[] {
    return this.addRoutes(viewRoutes(path, viewClass, options))
  }
}
