import { types } from 'node:util'

import { describe } from './describe.ts'
import type { Request } from './request.ts'

/** What whoever develops an application wants to know of an error. */
export interface DebugReport {
  /** The stack of the error and of those that caused it. */
  readonly error: string
  /** Which route of which application failed. */
  readonly route: string
  /** Request line and header fields, without what is secret. */
  readonly request: string
}

/** Fields that never stand in a report. */
export const SECRET_FIELDS: readonly string[] = [
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
]

const HIDDEN = '[redacted]'
const MAX_CAUSES = 8

/**
 * Gathers what may be shown in debug mode (P34). Never throws.
 *
 * @param secrets lower-case names of header fields and query parameters to hide
 */
export function createDebugReport(
  error: unknown,
  request: Request,
  app: { readonly name: string },
  secrets: ReadonlySet<string>,
): DebugReport {
  const { route, raw } = request
  const requestLine = `${request.method} ${hideQuery(raw.url!, secrets)} HTTP/${raw.httpVersion}`
  const fields = Array.from(request.headers, ([name, value]) => `${name}: ${hideValue(name, value, secrets)}`)
  return {
    error: stacksOf(error).join('\n\ncaused by: '),
    route: `${route ? `${route.method} ${route.path}` : 'no route'}, in application "${app.name}"`,
    request: [requestLine, ...fields].join('\n'),
  }
}

/** Stacks alone: further properties of an error may be a whole configuration, passwords included. */
function stacksOf(error: unknown): string[] {
  const stacks: string[] = []
  try {
    for (let one = error; one !== undefined && stacks.length < MAX_CAUSES; one = causeOf(one)) {
      stacks.push(types.isNativeError(one) && typeof one.stack === 'string' ? one.stack : describe(one))
    }
  } catch {
    stacks.push('an error that cannot be described') // its getters throw
  }
  return stacks
}

function causeOf(error: unknown): unknown {
  return types.isNativeError(error) ? error.cause : undefined
}

function hideValue(name: string, value: string, secrets: ReadonlySet<string>): string {
  if (secrets.has(name)) return HIDDEN
  return name === 'referer' ? hideQuery(value, secrets) : value
}

/** Hides values of query parameters, whatever way their names are spelt. */
function hideQuery(url: string, secrets: ReadonlySet<string>): string {
  const [path, ...rest] = url.split('?') as [string, ...string[]]
  if (rest.length === 0) return path
  const pairs = rest.join('?').split('&')
  const shown = pairs.map(pair => {
    const [name] = new URLSearchParams(pair).keys()
    return name !== undefined && secrets.has(name.toLowerCase()) ? `${pair.split('=', 1)[0]}=${HIDDEN}` : pair
  })
  return `${path}?${shown.join('&')}`
}
