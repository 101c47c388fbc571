import { toResponse } from './answer.ts'
import { ErrorHandlers } from './error-handlers.ts'
import { errorResponse } from './error-response.ts'
import { ClientGoneError } from './body.ts'
import { HttpError, HttpServiceUnavailable } from './http-error.ts'
import { isInstance } from './is-instance.ts'
import type { Handler, Middleware } from './middleware.ts'
import type { RequestApp } from './request-app.ts'
import type { Request } from './request.ts'
import { RequestAborted } from './request-aborted.ts'
import { Response } from './response.ts'
import type { RouteMeta } from './route-meta.ts'
import { Signal } from './signal.ts'

/** A route as an application holds it: the path is its own, without mount prefixes. */
export interface RouteRecord {
  readonly method: string
  readonly path: string
  readonly name: string | undefined
  readonly handler: Handler
  readonly middlewares: readonly Middleware[]
  readonly meta: RouteMeta
  readonly bodyLimit: number | undefined
  readonly head: boolean
}

/**
 * What one application contributes to dispatch: its routes, middlewares, error handlers and place in the tree.
 * Filled while the application is built, read once when it freezes.
 */
export class Scope {
  readonly app: RequestApp
  readonly routes: RouteRecord[] = []
  readonly middlewares: Middleware[] = []
  readonly errorHandlers: ErrorHandlers = new ErrorHandlers()
  readonly children: Scope[] = []
  readonly onResponsePrepare: Signal<[Request, Response]> = new Signal('onResponsePrepare')
  readonly #bodyLimit: number | undefined
  parent: Scope | undefined
  /** Where it is mounted in its parent: '' or '/segment…'. */
  prefix = ''
  /** The host it is mounted at, if it is. */
  host: string | undefined

  constructor(app: RequestApp, bodyLimit: number | undefined) {
    this.app = app
    this.#bodyLimit = bodyLimit
  }

  /** From the root to this one. */
  get lineage(): readonly Scope[] {
    return this.parent ? [...this.parent.lineage, this] : [this]
  }

  /** All mount prefixes down to this one. */
  get fullPrefix(): string {
    return (this.parent?.fullPrefix ?? '') + this.prefix
  }

  /** Own limit, or that of the nearest application further out, or 1 MiB. */
  get bodyLimit(): number {
    return this.#bodyLimit ?? this.parent?.bodyLimit ?? 1024 * 1024
  }

  /** This scope and all mounted below it. */
  *tree(): Generator<Scope, undefined> {
    yield this
    for (const child of this.children) yield* child.tree()
  }

  /**
   * Makes the response for what was thrown here: by the nearest fitting error handler, here or further out, or
   * the built-in one. Never throws, whatever handlers and loggers do.
   */
  async rescue(request: Request, thrown: unknown): Promise<Response> {
    this.#report(request, thrown)
    const error = orUnavailable(thrown)
    for (const scope of this.lineage.toReversed()) {
      const handle = scope.errorHandlers.find(error)
      if (!handle) continue
      try {
        const response = await toResponse(request, await handle(request))
        if (response) return withError(response, error)
        throw new TypeError('Cannot use the answer of an error handler: it is not a Response')
      } catch (failure) {
        // A thrown Response is an answer here too.
        if (failure instanceof Response) return withError(failure, error)
        this.#log(request, failure, 'An error handler failed')
        break
      }
    }
    return errorResponse(error, request, this.app)
  }

  #report(request: Request, error: unknown): void {
    // Routine, and nobody is left to answer (P31).
    if (isInstance(error, ClientGoneError) || isInstance(error, RequestAborted)) return
    if (!isInstance(error, HttpError)) this.#log(request, error, 'A request failed')
    else if (error.status >= 500 && error.cause !== undefined) this.#log(request, error, 'A request failed')
  }

  #log(request: Request, error: unknown, message: string): void {
    try {
      const { method, rawPath } = request
      this.app.logger.error({ method, path: rawPath, route: request.route?.path, err: error }, message)
    } catch {
      // A logger that fails must not take the answer with it.
    }
  }
}

/** A handler that gave up with its AbortSignal's reason is no failure of the program. */
function orUnavailable(thrown: unknown): unknown {
  return isInstance(thrown, RequestAborted)
    ? new HttpServiceUnavailable(undefined, { cause: thrown })
    : thrown
}

function withError(response: Response, error: unknown): Response {
  response.error = error
  return response
}
