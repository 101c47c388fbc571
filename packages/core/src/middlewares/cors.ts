import type { Headers } from '../headers.ts'
import type { Middleware } from '../middleware.ts'
import { targetOf } from '../request.ts'
import type { Request } from '../request.ts'
import { empty } from '../response.ts'
import type { Response } from '../response.ts'
import { RouteKey } from '../route-meta.ts'
import type { RouteMetaEntry } from '../route-meta.ts'
import { addVary } from '../vary.ts'
import { compileOriginRule } from './origin.ts'
import type { OriginRule, OriginTest } from './origin.ts'

/** Who may read answers from another origin, and how they may ask: see {@link cors}. */
export interface CorsOptions {
  /** Origins that are allowed; `'*'` for any. Default: none. */
  readonly origin?: OriginRule | undefined
  /** Whether cookies and other credentials may be sent; default `false`. Refused together with origin `'*'`. */
  readonly credentials?: boolean | undefined
  /** Methods that are allowed; default GET, HEAD, POST, PUT, PATCH and DELETE. */
  readonly methods?: readonly string[] | undefined
  /** Request header fields that are allowed; default `'*'`, whichever are asked for. */
  readonly allowHeaders?: '*' | readonly string[] | undefined
  /** Response header fields that scripts may read, besides the safe ones; `'*'` for all. Default: none. */
  readonly exposeHeaders?: '*' | readonly string[] | undefined
  /** How long browsers may remember a preflight, in seconds; 0 for not at all. Default: what they choose, 5 s. */
  readonly maxAge?: number | undefined
}

interface Policy {
  /** `undefined` when every origin gets the same answer. */
  readonly isAllowed: OriginTest | undefined
  readonly credentials: boolean
  readonly methods: ReadonlySet<string>
  readonly allowHeaders: ReadonlySet<string> | undefined
  readonly exposeHeaders: string
  readonly maxAge: number | undefined
}

const ownPolicy = new RouteKey<Policy | false>('cors policy')
const DEFAULT_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const FIELD_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:[\t ]*,[\t ]*[\w!#$%&'*+.^`|~-]+)*$/

/**
 * Lets scripts of other origins read the answers (the CORS protocol of the Fetch standard). Every answer carries
 * the header fields, also errors, 404 and 405, streams, and what other middlewares answer; those that a handler has
 * set itself stay. Caches learn by `Vary: Origin` that answers differ.
 *
 * A preflight is answered 204 here, before anything further in sees it: add this before what demands credentials,
 * which preflights never carry. What is not allowed lacks the header fields, and the browser refuses it. CORS
 * protects what is read; see {@link csrf} for what is changed.
 *
 * Add it to an application, also a mounted one. A route with rules of its own has them in its `meta`: see
 * {@link corsPolicy}.
 *
 * @throws TypeError for origin `'*'` with credentials, an origin with a path, or a name that no header field can have
 * @throws RangeError for a `maxAge` that is not a whole number of seconds
 *
 * @example
 * ```ts
 * import { Application, json } from '@allium/core'
 * import { cors, corsPolicy } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(cors({ origin: ['https://shop.example', /https:\/\/[a-z0-9-]+\.shop\.example/], credentials: true }))
 * app.get('/basket', () => json([]))
 * app.get('/prices', () => json([]), { meta: [corsPolicy({ origin: '*' })] })
 * ```
 */
export function cors(options: CorsOptions = {}): Middleware {
  const standard = compilePolicy(options)

  return async function cors(request, next) {
    const origin = request.headers.get('origin')
    const asked = request.method === 'OPTIONS' ? request.headers.get('access-control-request-method') : null
    const policy = policyFor(request, asked ?? request.method) ?? standard
    if (policy === false) return next(request)

    const isPreflight = origin !== null && asked !== null
    const isGranted = origin !== null && (!isPreflight || isPermitted(policy, request, asked))
    const allowed = isGranted && (await allowedOrigin(policy, origin, request))
    request.onPrepare((_, { headers }) => tellOrigin(policy, allowed, headers))
    if (isPreflight) return allowed === false ? empty() : preflight(policy, request, asked)
    if (allowed !== false) request.onPrepare((_, { headers }) => tellExposed(policy, headers))
    return next(request)
  }
}

/**
 * Cross-origin rules of a single route or group, for its `meta`, in place of those that {@link cors} was given;
 * `false` for none.
 *
 * @throws what {@link cors} throws
 */
export function corsPolicy(options: CorsOptions | false): RouteMetaEntry {
  return ownPolicy.with(options && compilePolicy(options))
}

function compilePolicy(options: CorsOptions): Policy {
  const { origin = [], credentials = false, maxAge, exposeHeaders = [], allowHeaders = '*' } = options
  if (origin === '*' && credentials) {
    throw new TypeError(
      'Cannot allow credentials to origin "*": any site could read what its visitors see here',
    )
  }
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= 0)) {
    throw new RangeError(`Cannot let preflights be remembered for ${maxAge} seconds`)
  }
  return {
    isAllowed: origin === '*' ? undefined : compileOriginRule(origin),
    credentials,
    methods: new Set(assertNames(options.methods ?? DEFAULT_METHODS).map(name => name.toUpperCase())),
    allowHeaders:
      allowHeaders === '*' ? undefined : new Set(assertNames(allowHeaders).map(name => name.toLowerCase())),
    exposeHeaders: exposeHeaders === '*' ? '*' : assertNames(exposeHeaders).join(', '),
    maxAge,
  }
}

function assertNames(names: readonly string[]): readonly string[] {
  for (const name of names) {
    if (name.includes(',') || !FIELD_NAMES.test(name))
      throw new TypeError(`Cannot allow "${name}": it is no name`)
  }
  return names
}

/** The rules of the route that is asked for, or of the one that a preflight asks about, if it has its own. */
function policyFor(request: Request, method: string): Policy | false | undefined {
  const route = request.route ?? targetOf(request)!.find(request, method, request.path)
  return route?.meta.find(ownPolicy)
}

/** What to answer the origin with; `false` when it is not allowed. */
async function allowedOrigin(
  { isAllowed }: Policy,
  origin: string,
  request: Request,
): Promise<string | false> {
  if (!isAllowed) return '*'
  return (await isAllowed(origin, request)) && origin
}

function tellOrigin({ isAllowed, credentials }: Policy, allowed: string | false, headers: Headers): void {
  if (isAllowed) addVary(headers, 'Origin')
  if (allowed === false || headers.has('access-control-allow-origin')) return
  headers.set('access-control-allow-origin', allowed)
  if (credentials) headers.set('access-control-allow-credentials', 'true')
}

function tellExposed({ credentials, exposeHeaders }: Policy, headers: Headers): void {
  // With credentials "*" is the name of one field: then those that are there are named one by one.
  const exposed = exposeHeaders === '*' && credentials ? namesOf(headers) : exposeHeaders
  if (exposed && !headers.has('access-control-expose-headers'))
    headers.set('access-control-expose-headers', exposed)
}

function namesOf(headers: Headers): string {
  return [...new Set(Array.from(headers, ([name]) => name))].join(', ')
}

function isPermitted({ methods, allowHeaders }: Policy, request: Request, method: string): boolean {
  const fields = request.headers.get('access-control-request-headers')
  if (!methods.has(method)) return false
  if (!fields) return true
  if (!FIELD_NAMES.test(fields)) return false
  return !allowHeaders || fields.split(',').every(name => allowHeaders.has(name.trim().toLowerCase()))
}

function preflight({ maxAge }: Policy, request: Request, method: string): Response {
  const response = empty(204, { headers: { 'access-control-allow-methods': method } })
  const fields = request.headers.get('access-control-request-headers')
  if (fields) response.headers.set('access-control-allow-headers', fields)
  if (maxAge !== undefined) response.headers.set('access-control-max-age', String(maxAge))
  return response
}
