import { HttpServiceUnavailable } from './http-error.ts'
import type { Request } from './request.ts'
import { text } from './response.ts'
import type { Response } from './response.ts'
import { get } from './routes.ts'
import type { RouteDefinition } from './routes.ts'

/** What {@link healthRoutes} can be given. */
export interface HealthRoutesOptions {
  /** Path that tells whether the process is alive; default `/livez`. */
  readonly live?: string | undefined
  /** Path that tells whether requests should be sent here; default `/readyz`. */
  readonly ready?: string | undefined
  /** Asks whatever requests need, such as a database; when it throws, requests had better go elsewhere. */
  readonly check?: ((request: Request) => unknown) | undefined
}

/**
 * Routes for whoever watches over processes. The first answers 200 as long as the process serves at all: it asks for
 * nothing else, since a restart mends no database. The second answers 503 once the server is told to stop, for
 * `drainDelay` before it stops accepting, and while `check` throws; what it throws is logged and not shown.
 *
 * @example
 * ```ts
 * import { Application, healthRoutes } from '@allium/core'
 *
 * const app = new Application()
 * app.addRoutes(healthRoutes({ check: ({ signal }) => signal.throwIfAborted() }))
 * ```
 */
export function healthRoutes(options: HealthRoutesOptions = {}): RouteDefinition[] {
  const { live = '/livez', ready = '/readyz', check } = options
  return [get(live, () => ok()), get(ready, request => answerReady(request, check))]
}

async function answerReady(request: Request, check: HealthRoutesOptions['check']): Promise<Response> {
  if (request.app.isDraining) throw new HttpServiceUnavailable('Stopping')
  try {
    await check?.(request)
  } catch (cause) {
    throw new HttpServiceUnavailable('Not ready', { cause })
  }
  return ok()
}

function ok(): Response {
  return text('ok\n', { headers: { 'cache-control': 'no-store' } })
}
