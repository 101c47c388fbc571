import type { PathParams } from '@allium/router'

import type { Awaitable, Handler } from './middleware.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'
import { route } from './routes.ts'
import type { RouteDefinition, RouteOptions } from './routes.ts'

/** The methods that a view may have, in lower case. */
const VERBS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'query'] as const

/**
 * A class with a method for each HTTP method of one path; one instance answers one request. Registered by
 * `app.view`. HEAD is derived from `get`; any other method that is missing is a 405.
 *
 * @example
 * ```ts
 * import { Application, View, json, text } from '@allium/core'
 *
 * class NoteView extends View<'/notes/:id'> {
 *   get() {
 *     return json({ id: this.request.params.id })
 *   }
 *   delete() {
 *     return text('gone')
 *   }
 * }
 *
 * new Application().view('/notes/:id', NoteView)
 * ```
 */
export abstract class View<Path extends string = string> {
  /** The request that this instance answers. */
  readonly request: Request<PathParams<Path>>

  constructor(request: Request<PathParams<Path>>) {
    this.request = request
  }
}

/** A class to be registered as a view of a path. */
export type ViewClass<Path extends string> = new (request: Request<PathParams<Path>>) => View<Path>

type ViewMethods = Partial<Record<(typeof VERBS)[number], () => Awaitable<Response>>>

/** One route for each method that the class defines. @internal */
export function viewRoutes<Path extends string>(
  path: Path,
  viewClass: ViewClass<Path>,
  options: RouteOptions | undefined,
): RouteDefinition[] {
  const methods = viewClass.prototype as ViewMethods // what TypeScript cannot say: some of the verbs
  const defined = VERBS.filter(verb => typeof methods[verb] === 'function')
  if (defined.length === 0) {
    throw new TypeError(`Cannot add view ${viewClass.name}: it has none of the methods ${VERBS.join(', ')}`)
  }
  return defined.map((verb, index) => {
    const handler: Handler<PathParams<Path>> = request => (new viewClass(request) as ViewMethods)[verb]!()
    // A name belongs to the path: it goes to the first of its routes.
    return route(verb.toUpperCase(), path, handler, index === 0 ? options : { ...options, name: undefined })
  })
}
