import type { Awaitable } from '../middleware.ts'
import type { Request } from '../request.ts'

/**
 * Origins as a browser writes them, `https://example.com` or `http://localhost:5173`: one, several, a regular
 * expression that the whole origin has to match, or a function that decides.
 */
export type OriginRule =
  string | RegExp | readonly (string | RegExp)[] | ((origin: string, request: Request) => Awaitable<boolean>)

/** Decides about the origin that a request names. */
export type OriginTest = (origin: string, request: Request) => Awaitable<boolean>

// RFC 6454 §6.2: scheme, host and port, nothing behind them; or "null" for an opaque origin.
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+)$/

/**
 * Compiles a rule, once.
 *
 * @throws TypeError for a text that is no origin, such as one with a path: it would never match
 */
export function compileOriginRule(rule: OriginRule): OriginTest {
  if (typeof rule === 'function') return rule
  const rules = typeof rule === 'string' || rule instanceof RegExp ? [rule] : rule
  const exact = new Set<string>()
  const patterns: RegExp[] = []
  for (const one of rules) {
    if (typeof one === 'string') exact.add(assertOrigin(one))
    else patterns.push(wholly(one))
  }
  return origin => exact.has(origin) || patterns.some(pattern => pattern.test(origin))
}

function assertOrigin(text: string): string {
  if (ORIGIN.test(text)) return text
  throw new TypeError(
    `Cannot allow origin "${text}": an origin is scheme, host and port in lower case, with nothing behind them`,
  )
}

/** The expression for the whole text: /example\.com/ by itself would match "https://example.com.evil" as well. */
function wholly({ source, flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gmy]/g, ''))
}
