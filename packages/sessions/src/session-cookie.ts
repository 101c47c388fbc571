import { Response } from '@allium/core'
import type { CookieOptions, Request } from '@allium/core'

import type { CookieChange } from './session-backend.ts'

/** The cookie of a session. */
export interface SessionCookieOptions {
  /**
   * Default `session`; with `secure: true` it is `__Host-session`, or `__Secure-session` where a path or a domain is given:
   * browsers take these from nobody but the host itself, and over TLS only.
   */
  readonly name?: string | undefined
  /**
   * Whether it goes over TLS only: `true` where the whole site does. Default `'auto'`: as the request came, be it through
   * a proxy that `trustProxy` names.
   */
  readonly secure?: boolean | 'auto' | undefined
  /** Whether requests that other sites start carry it; default `'lax'`: only when their visitors follow a link. */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /** Default `/`. */
  readonly path?: string | undefined
  /** Host names that get it, subdomains included; default: only the host that set it. */
  readonly domain?: string | undefined
  /** Whether each site that this one is embedded in has a cookie of its own; default `false`, needs `secure: true`. */
  readonly partitioned?: boolean | undefined
  /** Whether it outlives the browser, as long as the session does; default `false`. */
  readonly persistent?: boolean | undefined
}

/** Browsers keep no more, of name and value together (RFC 6265bis §5.6). */
const MAX_BYTES = 4096

/** Reads and sets one cookie; what it is called and may do is decided once. */
export class SessionCookie {
  readonly name: string
  readonly isPersistent: boolean
  readonly #isSecure: boolean | 'auto'
  readonly #attributes: CookieOptions

  /** @throws TypeError for attributes that browsers refuse together, or that could be meant for another host */
  constructor(options: SessionCookieOptions) {
    const { secure = 'auto', path = '/', domain, sameSite = 'lax', partitioned = false } = options
    this.name = options.name ?? defaultName(secure, path, domain)
    this.isPersistent = options.persistent ?? false
    this.#isSecure = secure
    this.#attributes = { path, domain, sameSite, partitioned, httpOnly: true }
    // Whatever core refuses to set, it refuses now, and not in the middle of a request.
    new Response().cookies.set(this.name, '', { ...this.#attributes, secure: secure === true })
  }

  /** Bytes left for a value. */
  get maxBytes(): number {
    return MAX_BYTES - this.name.length
  }

  /**
   * What the request has brought. Nothing when it is longer than any that was set. Nothing when there are several of the
   * name: one of them was planted, by a neighbouring host or another path, and there is no telling which.
   */
  read({ raw }: Request): string | undefined {
    const header = raw.headers.cookie
    if (header === undefined) return undefined
    const pairs = header.split(';').map(pair => pair.trim())
    const [own, another] = pairs.filter(pair => pair.startsWith(`${this.name}=`))
    if (own === undefined || another !== undefined) return undefined
    const value = own.slice(this.name.length + 1)
    return value.length <= this.maxBytes ? value : undefined
  }

  /** Tells the browser. */
  apply(change: CookieChange, now: number, request: Request, response: Response): void {
    const isSecure = this.#isSecure === 'auto' ? request.secure : this.#isSecure
    const options = { ...this.#attributes, secure: isSecure }
    if (change === 'delete') return response.cookies.delete(this.name, options)
    const maxAge = this.isPersistent ? Math.ceil((change.expiresAt - now) / 1000) : undefined
    response.cookies.set(this.name, change.value, { ...options, maxAge })
  }
}

function defaultName(secure: boolean | 'auto', path: string, domain: string | undefined): string {
  if (secure !== true) return 'session'
  return path === '/' && domain === undefined ? '__Host-session' : '__Secure-session'
}
