import { Cookie, CookieJar } from 'tough-cookie'

/** A cookie as the jar keeps it. */
export interface TestCookie {
  /** As the server or the test set it. */
  readonly name: string
  /** As the server or the test set it, not decoded. */
  readonly value: string
  /** The host it goes to, and its subdomains unless `hostOnly`. */
  readonly domain: string
  /** It goes to this path and those below. */
  readonly path: string
  /** Whether it had no `Domain`. */
  readonly hostOnly: boolean
  /** Whether scripts in a page would not see it. */
  readonly httpOnly: boolean
  /** Whether it goes over TLS, or to loopback, only. */
  readonly secure: boolean
  /** In lower case: `'strict'`, `'lax'`, `'none'`. */
  readonly sameSite: string | undefined
  /** When it ends; `undefined` for a session cookie. */
  readonly expires: Date | undefined
}

/** Which cookies are meant. */
export interface CookieHost {
  /** As in the `Host` header; default: that of the client's own requests. */
  readonly host?: string | undefined
}

/** Where a cookie that a test sets goes to. */
export interface CookieTarget extends CookieHost {
  /** The path that it goes to, and those below; default `'/'`. */
  readonly path?: string | undefined
}

/**
 * The cookies of one client, kept as a browser keeps them: by host and path, until they expire. Each host is taken for a
 * secure one, as browsers take loopback, so `Secure` and `__Host-` cookies work without TLS.
 */
export class TestCookies {
  readonly #jar = new CookieJar(undefined, { rejectPublicSuffixes: false, prefixSecurity: 'silent' })
  readonly #host: string
  /** So that tests without cookies do not pay for a look into the jar. */
  #hasHadCookies = false

  /** @internal Made with a client. */
  constructor(host: string) {
    this.#host = host
  }

  /** The value of a cookie, whatever its path; `undefined` when there is none or it has expired. */
  get(name: string, options?: CookieHost | undefined): string | undefined {
    return this.list(options).find(cookie => cookie.name === name)?.value
  }

  /** The cookies of a host, whatever their paths. */
  list(options: CookieHost = {}): TestCookie[] {
    return this.#jar.getCookiesSync(this.#url(options.host, '/'), { allPaths: true }).map(toTestCookie)
  }

  /**
   * Sets a cookie, which the server did not: value and name are sent as they are.
   *
   * @throws Error for a name or a value that no cookie can have
   */
  set(name: string, value: string, { host, path = '/' }: CookieTarget = {}): void {
    const cookie = new Cookie({ key: name, value, path, secure: true })
    if (!cookie.validate() || /[\s=;,]/.test(name))
      throw new TypeError(`Cannot set cookie "${name}": name or value is not allowed`)
    this.#hasHadCookies = true
    this.#jar.setCookieSync(cookie, this.#url(host, path))
  }

  /** Removes the cookies of that name, whatever their paths. */
  delete(name: string, options: CookieHost = {}): void {
    for (const { path } of this.list(options).filter(cookie => cookie.name === name)) {
      const expired = new Cookie({ key: name, value: '', path, secure: true, expires: new Date(0) })
      this.#jar.setCookieSync(expired, this.#url(options.host, path))
    }
  }

  /** Removes all, of every host. */
  clear(): void {
    this.#jar.removeAllCookiesSync()
  }

  /** The `Cookie` header for a request, `undefined` for none. @internal */
  headerFor(host: string, path: string): string | undefined {
    if (!this.#hasHadCookies) return undefined
    const url = this.#url(host, path)
    return (URL.canParse(url) && this.#jar.getCookieStringSync(url)) || undefined // a test may send a broken host
  }

  /** Keeps what a response sets; what a browser would refuse is dropped. @internal */
  store(fields: readonly string[], host: string, path: string): void {
    if (fields.length === 0) return
    const url = this.#url(host, path)
    if (!URL.canParse(url)) return
    this.#hasHadCookies = true
    for (const field of fields) this.#jar.setCookieSync(field, url, { ignoreError: true })
  }

  #url(host = this.#host, path: string): string {
    return `https://${host}${path}`
  }
}

function toTestCookie(cookie: Cookie): TestCookie {
  const expires = cookie.expiryTime()
  return {
    name: cookie.key,
    value: cookie.value,
    domain: cookie.domain!, // the jar fills these three in
    path: cookie.path!,
    hostOnly: cookie.hostOnly!,
    httpOnly: cookie.httpOnly,
    secure: cookie.secure,
    sameSite: cookie.sameSite,
    expires: Number.isFinite(expires) ? new Date(expires!) : undefined,
  }
}
