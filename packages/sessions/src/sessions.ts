import { RequestKey, UsageError } from '@allium/core'
import type { Middleware, Request } from '@allium/core'

import { GuardedStore } from './guarded-store.ts'
import { SealedBackend } from './sealed-backend.ts'
import { SealedCookieStorage } from './sealed-cookie-storage.ts'
import { ServerBackend } from './server-backend.ts'
import { SessionClock } from './session-clock.ts'
import { SessionCookie } from './session-cookie.ts'
import type { SessionCookieOptions } from './session-cookie.ts'
import { SessionLayer } from './session-layer.ts'
import { Lifetime } from './session-lifetime.ts'
import type { SessionLifetime } from './session-lifetime.ts'
import type { ListedSession, SessionStore } from './session-store.ts'
import type { Session } from './session.ts'
import type { ConcurrencyPolicy } from './session-values.ts'

/** What sessions of every kind can be given. */
export interface SessionsOptions extends SessionLifetime {
  /** The cookie. Several kinds of sessions in one application need cookies of different names. */
  readonly cookie?: SessionCookieOptions | undefined
  /** How many bytes the values of a session may take as JSON; default 64 KiB. */
  readonly maxSize?: number | undefined
  /** How long the store may take for one step, in milliseconds; default 2000. Then the answer is a 503. */
  readonly storeTimeout?: number | undefined
  /** How long the old id of a renewed session can still be read, in milliseconds; default 30 seconds. */
  readonly renewGrace?: number | undefined
  /** What time it is, in milliseconds since 1970; default: the clock of the application. */
  readonly now?: (() => number) | undefined
}

/** What {@link sessions} needs to keep them in a store. */
export interface StoredSessionsOptions extends SessionsOptions {
  /** Where they are kept. */
  readonly storage: SessionStore
  /** What happens when requests write the same session at the same time; default `'merge'`. */
  readonly concurrency?: ConcurrencyPolicy | undefined
}

/** What {@link sessions} needs to keep them in the cookie. */
export interface SealedSessionsOptions extends SessionsOptions {
  /** Seals them. */
  readonly storage: SealedCookieStorage
}

/** A middleware that gives requests a session; see {@link getSession}. */
export interface Sessions extends Middleware {
  /** The name of the cookie. */
  readonly cookieName: string
  /** @internal */
  readonly layer: SessionLayer
}

/** A middleware that gives requests a session which the server can list and end. */
export interface StoredSessions extends Sessions {
  /**
   * The sessions of a principal, latest used first.
   *
   * @throws HttpServiceUnavailable when the store fails
   */
  list(principal: string): Promise<readonly ListedSession[]>
  /**
   * Ends one session of a principal; false when there is none of that id. As {@link StoredSessions.signOutEverywhere} for
   * that session alone.
   *
   * @throws HttpServiceUnavailable when the store fails
   */
  signOut(principal: string, id: string): Promise<boolean>
  /**
   * Ends all sessions of a principal at once: their cookies lead nowhere, and no request that is still running can bring one
   * back. The AbortSignals of those requests fire with a {@link SessionRevoked}, their event streams end, and their
   * WebSockets close with 1008, in this process; in others that happens where {@link StoredSessions.endRequests} is called,
   * and what runs long notices by `session.reload()`.
   *
   * @param options what is spared
   * @returns how many sessions were ended
   * @throws HttpServiceUnavailable when the store fails
   */
  signOutEverywhere(principal: string, options?: SignOutOptions | undefined): Promise<number>
  /**
   * Ends the requests of a principal that are running in this process, as `signOutEverywhere` does, and leaves the store
   * alone: for processes that are told that another one has signed the principal out.
   *
   * @param options what is spared
   */
  endRequests(principal: string, options?: SignOutOptions | undefined): void
}

/** What a sign-out spares. */
export interface SignOutOptions {
  /** The session that stays, or its id: that of the visitor who signs out everywhere else. */
  readonly except?: Pick<Session, 'id'> | undefined
}

const KIB = 1024
const DEFAULTS = {
  maxSize: 64 * KIB,
  storeTimeout: 2000,
  renewGrace: 30_000,
} satisfies SessionsOptions

const current = new RequestKey<SessionLayer>('sessions')

/**
 * Gives every request a session, which is loaded when it is first asked for; a request that never asks costs nothing.
 *
 * Answers that have used a session are marked for caches by `Vary: Cookie`, and by `Cache-Control: private`, or `no-store`
 * where the cookie is set, unless the handler has set one. A cookie that is unknown, expired, too long, changed by somebody,
 * or there twice, is a new session.
 *
 * @throws TypeError for a cookie that browsers would refuse, and for `concurrency` with a cookie storage, which cannot
 *   know of other requests
 * @throws RangeError for times and sizes that are not positive
 *
 * @example
 * ```ts
 * import { Application, json } from '@allium/core'
 * import { getSession, MemoryStore, SessionKey, sessions } from '@allium/sessions'
 *
 * const views = new SessionKey<number>('views')
 * const app = new Application()
 * app.use(sessions({ storage: new MemoryStore() }))
 * app.get('/', async request => {
 *   const session = await getSession(request)
 *   session.update(views, (count = 0) => count + 1)
 *   return json({ views: session.get(views) })
 * })
 * ```
 */
export function sessions(options: StoredSessionsOptions): StoredSessions
export function sessions(options: SealedSessionsOptions): Sessions
export function sessions(options: StoredSessionsOptions | SealedSessionsOptions): Sessions | StoredSessions {
  const { storage, maxSize = DEFAULTS.maxSize } = options
  const concurrency = 'concurrency' in options ? options.concurrency : undefined
  const cookie = new SessionCookie(options.cookie ?? {})
  const clock = new SessionClock(options.now)
  const lifetime = new Lifetime(options)
  assertLimits(maxSize, options)
  const keep = (store: SessionStore) => serverBackend(store, { options, clock, lifetime, cookie })

  if (storage instanceof SealedCookieStorage) {
    if (concurrency !== undefined) {
      throw new TypeError(`Cannot apply "${concurrency}" to sessions in a cookie: the last answer wins`)
    }
    const { keyring, spill } = storage
    const backend = new SealedBackend({ keyring, cookie, lifetime, spill: spill && keep(spill).backend })
    return toMiddleware(new SessionLayer({ backend, cookie, clock, maxSize, policy: 'merge' }))
  }
  const { backend, store } = keep(storage)
  const layer = new SessionLayer({ backend, cookie, clock, maxSize, policy: concurrency ?? 'merge' })
  return Object.assign(toMiddleware(layer), principalsOf(store, backend, layer))
}

/**
 * The session of a request; the same object for everyone who asks.
 *
 * @param from whose session, where several `sessions(…)` are in use; default: the innermost
 * @throws HttpServiceUnavailable when the store fails, unless the route is `sessionOptional`
 * @throws UsageError `ERR_SESSION_MISSING` when the request has passed no `sessions(…)`
 */
export async function getSession(request: Request, from?: Sessions | undefined): Promise<Session> {
  const layer = from ? from.layer : request.state.find(current)
  if (layer) return layer.sessionOf(request)
  throw new UsageError('ERR_SESSION_MISSING', 'Cannot get the session: the request has passed no sessions()')
}

interface StoreRules {
  readonly options: SessionsOptions
  readonly clock: SessionClock
  readonly lifetime: Lifetime
  readonly cookie: SessionCookie
}

function serverBackend(
  storage: SessionStore,
  { options, clock, lifetime, cookie }: StoreRules,
): { backend: ServerBackend; store: GuardedStore } {
  const { storeTimeout = DEFAULTS.storeTimeout, renewGrace = DEFAULTS.renewGrace } = options
  const store = new GuardedStore(storage, clock, storeTimeout)
  const { isPersistent } = cookie
  return {
    store,
    backend: new ServerBackend(store, { clock, lifetime, storeTimeout, renewGrace, isPersistent }),
  }
}

function toMiddleware(layer: SessionLayer): Sessions {
  // Not async: a request that wants no session pays for nothing else.
  const middleware: Middleware = function sessions(request, next) {
    request.state.set(current, layer)
    return next(request)
  }
  return Object.assign(middleware, { layer, cookieName: layer.parts.cookie.name })
}

function principalsOf(
  store: SessionStore,
  backend: ServerBackend,
  { live, parts: { clock } }: SessionLayer,
): Pick<StoredSessions, 'list' | 'signOut' | 'signOutEverywhere' | 'endRequests'> {
  const endRequests = (principal: string, { except }: SignOutOptions = {}) =>
    live.revoke(principal, session => session.id === undefined || session.id !== except?.id)
  return {
    endRequests,

    async list(principal) {
      const list = await store.list(principal, clock.now())
      return [...list].sort((a, b) => b.lastSeenAt - a.lastSeenAt)
    },

    async signOut(principal, id) {
      const list = await store.list(principal, clock.now())
      if (!list.some(listed => listed.id === id)) return false
      await backend.end(id)
      live.revoke(principal, session => session.id === id)
      return true
    },

    async signOutEverywhere(principal, options) {
      const count = await store.deleteAll(principal, options?.except?.id)
      endRequests(principal, options)
      return count
    },
  }
}

function assertLimits(maxSize: number, { renewGrace = 0 }: SessionsOptions): void {
  if (!(maxSize > 0 && maxSize < Infinity)) {
    throw new RangeError(`Cannot limit sessions to ${maxSize} bytes: it is not positive, or endless`)
  }
  if (!(renewGrace >= 0 && renewGrace < Infinity)) {
    throw new RangeError(`Cannot read renewed sessions for ${renewGrace} ms: it is negative, or endless`)
  }
}
