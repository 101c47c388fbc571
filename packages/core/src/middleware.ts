import { toResponse } from './answer.ts'
import type { Answer } from './answer.ts'
import { describe } from './describe.ts'
import { isInstance } from './is-instance.ts'
import { enterApp, enterLayer, passStreamed } from './request.ts'
import type { RequestApp } from './request-app.ts'
import type { AnyParams, Request } from './request.ts'
import { RequestAborted } from './request-aborted.ts'
import { Response } from './response.ts'
import { watchLayer } from './run-observer.ts'
import type { ObservedLayer, RunObserver } from './run-observer.ts'
import { tracing } from './tracing.ts'
import { UsageError } from './usage-error.ts'

/** A value, or a promise of it. */
export type Awaitable<Value> = Value | Promise<Value>

/** Answers a request. */
export type Handler<Params = AnyParams> = (request: Request<Params>) => Awaitable<Answer>

/** The rest of the onion, as a middleware sees it. */
export type Next = (request: Request) => Awaitable<Response>

/**
 * A layer of the onion: looks at the request on its way in, calls `next`, looks at the response on its way out.
 *
 * `next` is called at most once, and always resolves to a response: an error thrown further in has become one by
 * then, with the error at `response.error`. A middleware may answer by itself and never call `next`.
 *
 * @example
 * ```ts
 * import { Application } from '@allium/core'
 * import type { Middleware } from '@allium/core'
 *
 * const timing: Middleware = async (request, next) => {
 *   const start = performance.now()
 *   const response = await next(request)
 *   response.headers.set('server-timing', `app;dur=${(performance.now() - start).toFixed(1)}`)
 *   return response
 * }
 *
 * const app = new Application()
 * app.use(timing)
 * ```
 */
export type Middleware = (request: Request, next: Next) => Awaitable<Answer>

/** Turns what was thrown into a response. Must not throw. */
export type Rescue = (request: Request, error: unknown) => Awaitable<Response>

/** The part of an onion that belongs to one application. */
export interface OnionSection {
  readonly app: RequestApp
  readonly middlewares: readonly Middleware[]
  readonly rescue: Rescue
}

/** Deeper than any chain: a request that was answered has come this far. */
export const ANSWERED: number = Number.MAX_SAFE_INTEGER

/**
 * Builds one onion, once: every `next` is the composed handler of the layers within, so a request makes no
 * closure on its way through. Each layer verifies what comes out of it and turns what is thrown into a response,
 * so an answer, whatever made it, passes every layer further out.
 *
 * @param sections the applications around the handler, outermost first; the handler belongs to the last
 * @param label names the route in errors
 * @param observer gives whom to tell of every run of a layer, if anybody
 */
export function compose(
  sections: readonly OnionSection[],
  handler: Handler,
  label: string,
  observer?: () => RunObserver | undefined,
): Next {
  let depth = sections.reduce((sum, { middlewares }) => sum + middlewares.length, 0)
  const innermost = observed(toLayer('handler', handler), handler, observer)
  let composed = contain(innermost, sections.at(-1)!.rescue, depth, `handler of ${label}`)
  for (const { app, middlewares, rescue } of sections.toReversed()) {
    for (const middleware of middlewares.toReversed()) {
      const next = composed
      const layer = toLayer('middleware', middleware)
      const run = observed(layer, request => middleware(request, next), observer)
      composed = contain(run, rescue, --depth, `middleware "${layer.name}" of ${label}`)
    }
    if (app !== sections[0]!.app) composed = within(app, composed)
  }
  return composed
}

function toLayer(kind: ObservedLayer['kind'], { name }: { readonly name: string }): ObservedLayer {
  return { kind, name: name || 'anonymous' }
}

/** Tells observer and subscribers of each run of a layer; without either at startup it stays as it is. */
function observed(layer: ObservedLayer, run: Handler, observer?: () => RunObserver | undefined): Handler {
  const watched = observer ? watchLayer(layer, run, observer) : run
  return tracing.layer.hasSubscribers ? traced(layer, watched) : watched
}

function traced(layer: ObservedLayer, run: Handler): Handler {
  return request => tracing.layer.tracePromise(async () => run(request), { request, ...layer })
}

/** Makes an application the current one while its part of the onion runs. */
function within(app: RequestApp, handler: Next): Next {
  return request => {
    const outer = enterApp(request, app)
    const leave = (response: Response) => {
      enterApp(request, outer)
      return response
    }
    const answer = handler(request)
    return answer instanceof Response ? leave(answer) : answer.then(leave)
  }
}

/** Wraps one layer so that it answers exactly once, with a Response, whatever happens within. */
function contain(layer: Handler, rescue: Rescue, depth: number, name: string): Next {
  // Reached depth is kept on the request, as a number: a second call of the same `next` finds it taken.
  return function contained(request) {
    const reached = enterLayer(request, depth)
    if (reached >= depth) return refuseEntry(request, reached, name)
    try {
      const answer = layer(request)
      if (answer instanceof Response) return pass(request, answer)
      if (isThenable(answer)) {
        return answer.then(
          response =>
            response instanceof Response ? pass(request, response) : settle(request, response, rescue, name),
          (error: unknown) => rescueThrown(request, error, rescue),
        )
      }
      return settle(request, answer, rescue, name)
    } catch (error) {
      return rescueThrown(request, error, rescue)
    }
  }
}

function pass(request: Request, response: Response): Response {
  if (response.isStreamed) passStreamed(request, response)
  return response
}

/** Makes a response of what is not one yet. */
async function settle(request: Request, answer: unknown, rescue: Rescue, name: string): Promise<Response> {
  try {
    const response = await toResponse(request, answer)
    if (response) return pass(request, response)
  } catch (error) {
    return rescueThrown(request, error, rescue)
  }
  return rescueThrown(request, noResponse(answer, name), rescue)
}

async function rescueThrown(request: Request, thrown: unknown, rescue: Rescue): Promise<Response> {
  // A thrown Response is an answer like a returned one: `throw redirect('/login')`.
  return pass(request, isInstance(thrown, Response) ? thrown : await rescue(request, thrown))
}

function refuseEntry(request: Request, reached: number, name: string): never {
  enterLayer(request, reached)
  if (reached === ANSWERED) {
    const reason: unknown = request.signal.reason
    if (isInstance(reason, RequestAborted) && reason.abortCause === 'timeout') throw reason // nobody's mistake
    throw new UsageError(
      'ERR_NEXT_CALLED_LATE',
      `Cannot call next() for the ${name}: the request was answered`,
    )
  }
  throw new UsageError('ERR_NEXT_CALLED_TWICE', `Cannot call next() again: the ${name} has already run`)
}

function noResponse(value: unknown, name: string): UsageError {
  return new UsageError(
    'ERR_NO_RESPONSE',
    `Cannot answer the request: the ${name} returned ${describeResult(value)} instead of a Response`,
  )
}

function describeResult(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object that is not one' : describe(value)
}

function isThenable(value: unknown): value is Promise<Answer> {
  // A promise of another realm, or of a library of its own, is a promise too.
  return value instanceof Promise || (typeof value === 'object' && value !== null && 'then' in value)
}
