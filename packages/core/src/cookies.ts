import { parseCookie, stringifySetCookie } from 'cookie'
import type { SetCookie } from 'cookie'

/** Attributes of a cookie in a response. */
export interface CookieOptions {
  /** Host names that get the cookie back; default: only the host that set it. */
  readonly domain?: string | undefined
  /** Default `/`. */
  readonly path?: string | undefined
  /** Life time in seconds, 0 removes the cookie; default: until the browser closes. */
  readonly maxAge?: number | undefined
  /** An absolute end; browsers prefer `maxAge` when both are given. */
  readonly expires?: Date | undefined
  /** Out of reach for scripts of the page; default `true`. */
  readonly httpOnly?: boolean | undefined
  /** Only over TLS; default `false`, needed for `sameSite: 'none'` and for `partitioned`. */
  readonly secure?: boolean | undefined
  /** Whether requests started by other sites carry the cookie; default `'lax'`. */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /** Kept apart for each top-level site; default `false`. */
  readonly partitioned?: boolean | undefined
  /** Which cookies a full browser keeps longest. */
  readonly priority?: 'low' | 'medium' | 'high' | undefined
}

const DEFAULTS = { path: '/', httpOnly: true, sameSite: 'lax' } satisfies CookieOptions

/**
 * Cookies that a response sets. Safe by default: `HttpOnly`, `SameSite=Lax`, `Path=/`.
 *
 * @example
 * ```ts
 * import { text } from '@allium/core'
 *
 * const response = text('welcome')
 * response.cookies.set('theme', 'dark', { maxAge: 3600 })
 * ```
 */
export class ResponseCookies {
  readonly #fields = new Map<string, string>()

  /**
   * Sets a cookie, replacing one of the same name, path and domain in this response.
   *
   * @throws TypeError for a name, value or attribute that RFC 6265bis does not allow, for `sameSite: 'none'` or
   *   `partitioned` without `secure`, and for a `__Host-` or `__Secure-` name whose rules are not met
   */
  set(name: string, value: string, options?: CookieOptions | undefined): void {
    const cookie = { name, ...DEFAULTS, ...defined(options), value }
    assertAttributes(cookie)
    // No member is there and undefined: see defined().
    this.#fields.set(identityOf(cookie), stringifySetCookie(cookie as SetCookie))
  }

  /** Tells the browser to forget a cookie; path and domain must be those it was set with. */
  delete(name: string, options?: Omit<CookieOptions, 'maxAge' | 'expires'> | undefined): void {
    this.set(name, '', {
      ...options,
      secure: options?.secure ?? isPrefixed(name),
      maxAge: 0,
      expires: new Date(0),
    })
  }

  /** @internal One `Set-Cookie` value for each cookie. */
  values(): Iterable<string> {
    return this.#fields.values()
  }
}

/**
 * Reads a `Cookie` header. Never throws: what is malformed is passed over, the first of equal names wins, a value
 * that does not decode is taken as it is. The result has no prototype.
 */
export function parseCookies(header: string): Readonly<Record<string, string>> {
  return parseCookie(header) as Record<string, string> // undefined values come from custom decoders only
}

interface NamedCookie extends CookieOptions {
  readonly name: string
}

function assertAttributes(cookie: NamedCookie): void {
  const refuse = (reason: string): never => {
    throw new TypeError(`Cannot set cookie "${cookie.name}": ${reason}`)
  }
  if (cookie.maxAge !== undefined && !Number.isInteger(cookie.maxAge))
    refuse('maxAge must be a whole number of seconds')
  if (cookie.expires && Number.isNaN(cookie.expires.getTime())) refuse('expires is not a valid date')
  if (cookie.sameSite === 'none' && !cookie.secure) refuse('sameSite "none" needs secure')
  if (cookie.partitioned && !cookie.secure) refuse('partitioned needs secure')
  if (isPrefixed(cookie.name) && !cookie.secure) refuse('a name with this prefix needs secure')
  if (/^__host-/i.test(cookie.name) && (cookie.path !== '/' || cookie.domain)) {
    refuse('a "__Host-" name needs path "/" and no domain')
  }
}

function isPrefixed(name: string): boolean {
  return /^__(host|secure)-/i.test(name)
}

function identityOf(cookie: NamedCookie): string {
  return `${cookie.name};${cookie.domain?.toLowerCase() ?? ''};${cookie.path}`
}

function defined(options: CookieOptions | undefined): CookieOptions {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined))
}
