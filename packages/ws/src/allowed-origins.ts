import type { Awaitable, Request } from '@allium/core'

/**
 * From which pages a WebSocket may be opened: an origin as browsers write it, `https://example.com`; `'same-origin'`; `'*'`; an
 * expression that the whole origin has to match; several of these; or a function that decides.
 */
export type OriginRule =
  string | RegExp | readonly (string | RegExp)[] | ((origin: string, request: Request) => Awaitable<boolean>)

/** Decides about the origin that a handshake names. */
export type OriginTest = (origin: string, request: Request) => Awaitable<boolean>

// RFC 6454 §6.2: scheme, host and port, nothing behind them.
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/**
 * Compiles a rule, once.
 *
 * @throws TypeError for a text that is no origin, such as one with a path: it would never match
 */
export function compileOriginRule(rule: OriginRule): OriginTest {
  if (typeof rule === 'function') return rule
  const rules = typeof rule === 'string' || rule instanceof RegExp ? [rule] : rule
  if (rules.includes('*')) return () => true
  const exact = new Set<string>()
  const patterns: RegExp[] = []
  for (const one of rules) {
    if (typeof one !== 'string') patterns.push(wholly(one))
    else if (one !== 'same-origin') exact.add(assertOrigin(one))
  }
  const ownToo = rules.includes('same-origin')
  return (origin, request) =>
    exact.has(origin) ||
    (ownToo && isSameOrigin(origin, request)) ||
    patterns.some(pattern => pattern.test(origin))
}

/**
 * Whether a page of the application's own host asks. The scheme counts only where it is known to be TLS: behind a proxy that is
 * not trusted to say so, every request seems to come without it.
 */
export function isSameOrigin(origin: string, request: Request): boolean {
  if (!ORIGIN.test(origin) || !URL.canParse(origin)) return false
  const { protocol, host } = new URL(origin)
  if (request.secure && protocol !== 'https:') return false
  return host === withoutDefaultPort(request.host.toLowerCase(), protocol)
}

function withoutDefaultPort(host: string, protocol: string): string {
  const suffix = `:${DEFAULT_PORTS[protocol]}`
  return host.endsWith(suffix) ? host.slice(0, -suffix.length) : host
}

function assertOrigin(text: string): string {
  if (text === 'null' || ORIGIN.test(text)) return text
  throw new TypeError(
    `Cannot allow origin "${text}": an origin is scheme, host and port in lower case, with nothing behind them`,
  )
}

/** The expression for the whole text: /example\.com/ by itself would match "https://example.com.evil" as well. */
function wholly({ source, flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gmy]/g, ''))
}
