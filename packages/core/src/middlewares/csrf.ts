import { HttpForbidden } from '../http-error.ts'
import type { Middleware } from '../middleware.ts'
import type { Request } from '../request.ts'
import { compileOriginRule } from './origin.ts'
import type { OriginRule } from './origin.ts'

/** What {@link csrf} can be given. */
export interface CsrfOptions {
  /** Other origins whose pages may send requests that change something; default: none. */
  readonly trustedOrigins?: OriginRule | undefined
}

// RFC 9110 §9.2.1 and RFC 10008: they change nothing, or the handler is at fault.
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

/**
 * Refuses with 403 what a page of another origin makes a browser send (cross-site request forgery), without tokens:
 * browsers say by `Sec-Fetch-Site`, or older ones by `Origin`, where a request comes from, and no page can change
 * that. Safe methods pass, so they must not change anything. Requests with neither field come from no browser and
 * pass: nobody can be made to send them with someone else's cookies.
 *
 * `Origin` is compared with `Host` without the scheme, which behind a proxy is not known: on plain http an attacker
 * on the network is not kept out, use `Strict-Transport-Security`, see {@link securityHeaders}.
 *
 * @throws TypeError for a trusted origin that is none, such as one with a path
 *
 * @example
 * ```ts
 * import { Application, redirect } from '@allium/core'
 * import { csrf } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(csrf({ trustedOrigins: 'https://accounts.example' }))
 * app.post('/sign-out', () => redirect('/', 303))
 * ```
 */
export function csrf(options: CsrfOptions = {}): Middleware {
  const isTrusted = compileOriginRule(options.trustedOrigins ?? [])

  return async function csrf(request, next) {
    if (SAFE_METHODS.has(request.method) || isOwn(request)) return next(request)
    const origin = request.headers.get('origin')
    if (origin !== null && (await isTrusted(origin, request))) return next(request)
    throw new HttpForbidden('The request comes from a page of another origin')
  }
}

/** Whether the request comes from a page of this very origin, from the user directly, or from no browser. */
function isOwn(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = request.headers.get('origin')
  return origin === null || isSameHost(origin, request.host)
}

function isSameHost(origin: string, host: string): boolean {
  try {
    const url = new URL(origin)
    // Read with the scheme of the origin, so that its default port may be left out on either side.
    return url.host !== '' && url.host === new URL(`${url.protocol}//${host}`).host
  } catch {
    return false // "null", or no origin at all
  }
}
