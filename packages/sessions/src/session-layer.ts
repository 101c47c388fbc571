import { HttpError, HttpServiceUnavailable, RequestAborted, RequestKey, RouteKey } from '@allium/core'
import type { Request, Response, RouteMetaEntry } from '@allium/core'

import { markForCaches } from './cache-headers.ts'
import { LiveRequests } from './live-requests.ts'
import type { CookieChange, LoadedSession, SessionBackend } from './session-backend.ts'
import type { SessionClock } from './session-clock.ts'
import type { SessionCookie } from './session-cookie.ts'
import { abandonChanges, hasUnsaved, Session } from './session.ts'
import type { ConcurrencyPolicy } from './session-values.ts'

/** What a {@link SessionLayer} is made of. */
export interface SessionLayerParts {
  readonly backend: SessionBackend
  readonly cookie: SessionCookie
  readonly clock: SessionClock
  readonly policy: ConcurrencyPolicy
  readonly maxSize: number
}

const optional = new RouteKey<true>('session optional')

/**
 * For the `meta` of a route that goes on without a session while the store is down, instead of answering 503: there
 * the session is empty, `session.isUnavailable` is true, and whatever would change it is still a 503. Not for a route
 * that anything depends on which would take "no session" for "no restriction".
 */
export function sessionOptional(): RouteMetaEntry {
  return optional.with(true)
}

/** Gives requests their session, and answers what has become of it. */
export class SessionLayer {
  readonly parts: SessionLayerParts
  readonly live: LiveRequests = new LiveRequests()
  readonly #key = new RequestKey<Promise<Session>>('session')

  constructor(parts: SessionLayerParts) {
    this.parts = parts
  }

  /** The session of the request: one object, loaded once. */
  sessionOf(request: Request): Promise<Session> {
    const before = request.state.find(this.#key)
    if (before) return before
    const visit = new Visit(this, request)
    const session = visit.begin()
    request.state.set(this.#key, session)
    return session
  }
}

/** The time of a session with one request: from its first use until the request is over. */
class Visit {
  readonly #layer: SessionLayer
  readonly #request: Request
  /** What the browser is still to be told. */
  #change: CookieChange | undefined
  #isLeaving = false
  /** Whether the client has learnt that changes are not kept. */
  #hasToldOfLoss = false

  constructor(layer: SessionLayer, request: Request) {
    this.#layer = layer
    this.#request = request
  }

  async begin(): Promise<Session> {
    const { clock, cookie } = this.#layer.parts
    const request = this.#request
    clock.follow(request.app.clock)
    request.onPrepare((_, response) => this.#leave(session, response))
    const value = cookie.read(request)
    const session = value === undefined ? Promise.resolve(this.#open(undefined)) : this.#load(value)
    return session
  }

  async #load(value: string): Promise<Session> {
    const { backend, clock } = this.#layer.parts
    try {
      return this.#open(await backend.load(value, clock.now()))
    } catch (error) {
      this.#logFailure(error)
      if (!(error instanceof HttpServiceUnavailable && this.#request.route?.meta.has(optional))) throw error
      return this.#open(undefined, error)
    }
  }

  #open(origin: LoadedSession | undefined, unavailable?: HttpError): Session {
    const { backend, clock, policy, maxSize } = this.#layer.parts
    const session = new Session({
      backend,
      origin,
      now: () => clock.now(),
      policy,
      maxSize,
      unavailable,
      onCookie: change => {
        this.#change = change
      },
      canSetCookie: () => this.#isLeaving || !this.#request.isPrepared,
      onPrincipal: () => followPrincipal(),
    })
    const followPrincipal = this.#layer.live.follow(this.#request, session)
    this.#request.onFinish(() => this.#warnOfUnsaved(session))
    return session
  }

  /** Just before the headers leave. */
  async #leave(loading: Promise<Session>, response: Response): Promise<void> {
    const session = await loading.catch(() => undefined) // who has asked for it has got the error
    if (session) {
      this.#isLeaving = true
      this.#hasToldOfLoss = isFailure(response, this.#request)
      if (this.#hasToldOfLoss) await abandonChanges(session)
      await this.#save(session)
      this.#isLeaving = false
    }
    markForCaches(response.headers, this.#change !== undefined)
    if (this.#change) this.#apply(this.#change, response)
  }

  async #save(session: Session): Promise<void> {
    try {
      await session.save()
    } catch (error) {
      this.#hasToldOfLoss = true
      this.#logFailure(error)
      throw error
    }
  }

  #apply(change: CookieChange, response: Response): void {
    const { cookie, clock } = this.#layer.parts
    cookie.apply(change, clock.now(), this.#request, response)
  }

  /** A 503 tells nobody why. */
  #logFailure(error: unknown): void {
    if (!(error instanceof HttpServiceUnavailable)) return
    const { method, path, app } = this.#request
    app.logger.error({ method, path, err: error.cause }, 'The session store has failed')
  }

  #warnOfUnsaved(session: Session): void {
    if (this.#hasToldOfLoss || !hasUnsaved(session)) return
    const { method, path, app } = this.#request
    app.logger.error({ method, path }, 'A session was changed after the headers had left, and never saved')
  }
}

/** Whether the answer tells of a handler that did not come to its end: then what it has done so far is not kept. */
function isFailure(response: Response, request: Request): boolean {
  const { error, status } = response
  if (error === undefined || status < 500) return false
  if (!(error instanceof HttpError)) return true
  const reason: unknown = request.signal.reason
  return reason instanceof RequestAborted && reason.abortCause === 'timeout'
}
