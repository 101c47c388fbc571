import { randomBytes } from 'node:crypto'

import type { Middleware } from '../middleware.ts'
import type { Request } from '../request.ts'
import { RequestKey } from '../state.ts'

/** What {@link securityHeaders} can be given. `false` leaves a field out. */
export interface SecurityHeadersOptions {
  /** `Strict-Transport-Security`, sent over https only; default: one year, this host only. */
  readonly hsts?: HstsOptions | false | undefined
  /** `X-Frame-Options`: who may show the pages in a frame; default `'SAMEORIGIN'`. */
  readonly frameOptions?: 'DENY' | 'SAMEORIGIN' | false | undefined
  /**
   * `Referrer-Policy`; default `'strict-origin-when-cross-origin'`. With `'no-referrer'` browsers send
   * `Origin: null` with forms, which {@link csrf} then refuses in older browsers.
   */
  readonly referrerPolicy?: string | false | undefined
  /** `Cross-Origin-Opener-Policy`; default `'same-origin'`: pages that open this one get no handle on it. */
  readonly openerPolicy?: string | false | undefined
  /** `Content-Security-Policy`, or a function that makes it for each request: see {@link cspNonce}. Default: none. */
  readonly contentSecurityPolicy?: string | ((request: Request) => string) | undefined
  /** `Permissions-Policy`: which powers of the browser pages may use. Default: none. */
  readonly permissionsPolicy?: string | undefined
}

/** How long browsers insist on https. */
export interface HstsOptions {
  /** In seconds; default one year. 0 makes them forget. */
  readonly maxAge?: number | undefined
  /** Whether for every host below this one too; default `false`. */
  readonly includeSubDomains?: boolean | undefined
  /** Whether to ask for a place in the lists that browsers ship; default `false`. */
  readonly preload?: boolean | undefined
}

const YEAR = 365 * 24 * 60 * 60
const nonceKey = new RequestKey<string>('csp nonce')

/**
 * Sets the header fields by which browsers protect a site, on every answer, with `X-Content-Type-Options: nosniff`
 * among them. A field that the handler has set stays as it is.
 *
 * @throws RangeError for an HSTS `maxAge` that is not a whole number of seconds
 *
 * @example
 * ```ts
 * import { Application, html } from '@allium/core'
 * import { cspNonce, securityHeaders } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(
 *   securityHeaders({
 *     hsts: { includeSubDomains: true },
 *     contentSecurityPolicy: request => `default-src 'self'; script-src 'nonce-${cspNonce(request)}'`,
 *   }),
 * )
 * app.get('/', request => html(`<script nonce="${cspNonce(request)}">console.log('allowed')</script>`))
 * ```
 */
export function securityHeaders(options: SecurityHeadersOptions = {}): Middleware {
  const { contentSecurityPolicy: policy } = options
  const fixed = fixedFields(options)
  const hsts = options.hsts === false ? undefined : hstsValue(options.hsts ?? {})

  return function securityHeaders(request, next) {
    request.onPrepare((_, { headers }) => {
      const setUnlessThere = (name: string, value: string) => headers.has(name) || headers.set(name, value)
      for (const [name, value] of fixed) setUnlessThere(name, value)
      if (hsts !== undefined && request.scheme === 'https') setUnlessThere('strict-transport-security', hsts)
      if (typeof policy === 'function') setUnlessThere('content-security-policy', policy(request))
    })
    return next(request)
  }
}

/**
 * A random value for one request, the same however often it is asked for: for the `nonce` of a script and for the
 * `Content-Security-Policy` that allows it. 128 bits in base64.
 */
export function cspNonce(request: Request): string {
  let nonce = request.state.find(nonceKey)
  if (nonce === undefined) request.state.set(nonceKey, (nonce = randomBytes(16).toString('base64')))
  return nonce
}

function fixedFields(options: SecurityHeadersOptions): [string, string][] {
  const { frameOptions = 'SAMEORIGIN', openerPolicy = 'same-origin', contentSecurityPolicy } = options
  const fields: Record<string, unknown> = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': frameOptions,
    'referrer-policy': options.referrerPolicy ?? 'strict-origin-when-cross-origin',
    'cross-origin-opener-policy': openerPolicy,
    'content-security-policy': contentSecurityPolicy,
    'permissions-policy': options.permissionsPolicy,
  }
  return Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === 'string')
}

function hstsValue({ maxAge = YEAR, includeSubDomains = false, preload = false }: HstsOptions): string {
  if (!Number.isInteger(maxAge) || maxAge < 0)
    throw new RangeError(`Cannot insist on https for ${maxAge} seconds`)
  return `max-age=${maxAge}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`
}
