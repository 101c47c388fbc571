import type { Request } from './request.ts'
import type { Response } from './response.ts'

/** One layer of the onion around a route. */
export interface ObservedLayer {
  /** What it is. */
  readonly kind: 'middleware' | 'handler'
  /** The name of its function, `'anonymous'` without one. */
  readonly name: string
}

/**
 * Is told what an application does with each request, as it happens: the test client makes its reports of it. Every
 * method runs in the middle of the work, so it is to be quick and must not throw. Watching changes neither the order of
 * things nor what is answered.
 *
 * Tracing channels tell about the same of all applications in a process, and are for production.
 */
export interface RunObserver {
  /** A request has arrived; its route is not known yet. */
  began(request: Request): void
  /** A layer is about to run. */
  entered(request: Request, layer: ObservedLayer): void
  /** A layer has let an answer out, or thrown. */
  left(request: Request, layer: ObservedLayer, error: unknown): void
  /** The answer has been written, or never will be: the client has gone, and `response` is missing. */
  finished(request: Request, response: Response | undefined): void
  /** Something failed of which no answer tells: a body that broke off, work after the answer. */
  failed?(request: Request, error: unknown): void
  /** A body was given up before its end. `released` settles when its source has let go, and never rejects. */
  givenUp?(request: Request, released: Promise<unknown>): void
}

/** Tells the observer of the moment, if any, of each run of a layer. */
export function watchLayer<Answer>(
  layer: ObservedLayer,
  run: (request: Request) => Answer,
  observer: () => RunObserver | undefined,
): (request: Request) => Answer {
  return request => {
    const watching = observer()
    if (!watching) return run(request)
    watching.entered(request, layer)
    try {
      const answer = run(request)
      const leave = (error?: unknown) => watching.left(request, layer, error)
      // Beside the promise, not in its chain: nothing happens a tick later than it would unobserved.
      if (isThenable(answer)) answer.then(() => leave(), leave)
      else leave()
      return answer
    } catch (error) {
      watching.left(request, layer, error)
      throw error
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
}
