import { programFrames } from './creation-site.ts'
import type { CreationSite } from './creation-site.ts'
import type { Logger } from './logger.ts'
import { PromiseWatch } from './promise-watch.ts'
import type { AbandonedPromise } from './promise-watch.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'
import type { ObservedLayer, RunObserver } from './run-observer.ts'

/** How long the event loop may be blocked before it is told, in milliseconds. */
const BLOCKED = 100
/** How many different warnings are remembered, so as to give each once. */
const MAX_WARNINGS = 1000

/** What is known of a request while it goes on. */
class WatchedRequest {
  readonly request: Request
  /** What is running of it, outermost first. */
  readonly layers: ObservedLayer[] = []
  /** What its handler has left behind. */
  readonly abandoned: AbandonedPromise[] = []
  hasUnreadBody = false

  constructor(request: Request) {
    this.request = request
  }
}

/**
 * Debug mode's eye on an application: warns of what is easily forgotten, and names who has blocked the event loop. Each
 * warning is given once for a place in the program, however often clients lead there.
 */
export class DebugWatch implements RunObserver {
  readonly #logger: Logger
  readonly #watched = new WeakMap<Request, WatchedRequest>()
  readonly #given = new Set<string>()
  readonly #promises: PromiseWatch<WatchedRequest>

  constructor(logger: Logger) {
    this.#logger = logger
    this.#promises = new PromiseWatch(BLOCKED, (owner, duration) => this.#reportBlocked(owner, duration))
  }

  start(): void {
    this.#promises.start()
  }

  stop(): void {
    this.#promises.stop()
  }

  /** Answers a request, and keeps an eye on what that sets off. */
  follow(request: Request, answer: () => void): void {
    const watched = new WatchedRequest(request)
    this.#watched.set(request, watched)
    this.#promises.blame(watched)
    this.#promises.follow(watched, answer)
  }

  /** Frames of the program where a promise was made, if that was seen. */
  framesOf(promise: object): string | undefined {
    const site = this.#promises.siteOf(promise)
    return site && programFrames(site)
  }

  began(): void {}

  entered(request: Request, layer: ObservedLayer): void {
    const watched = this.#watched.get(request)
    if (!watched) return
    watched.layers.push(layer)
    this.#promises.blame(watched)
  }

  left(request: Request, layer: ObservedLayer): void {
    const watched = this.#watched.get(request)
    if (!watched) return
    this.#promises.look()
    if (layer.kind === 'handler') this.#leaveHandler(watched)
    watched.layers.splice(watched.layers.lastIndexOf(layer), 1)
  }

  finished(request: Request, response: Response | undefined): void {
    const watched = this.#watched.get(request)
    if (!watched) return
    this.#watched.delete(request)
    if (response) this.#warnOfAnswer(watched, response)
    for (const { site, isAwaited } of watched.abandoned) {
      if (!isAwaited) this.#warnOfAbandoned(request, site) // or else it was only early: a body may await it
    }
    this.#promises.forget(watched)
  }

  #leaveHandler(watched: WatchedRequest): void {
    const { request, abandoned } = watched
    const { raw, hasBody, bodyUsed } = request
    watched.hasUnreadBody =
      hasBody && !bodyUsed && !raw.readableDidRead && raw.headers['content-length'] !== '0'
    abandoned.push(...this.#promises.abandoned(watched))
  }

  #warnOfAnswer({ request, hasUnreadBody }: WatchedRequest, response: Response): void {
    if (hasUnreadBody && !request.bodyUsed && response.status < 400)
      this.#warn(`body ${routeOf(request)}`, request, {}, 'The body of a request was not read')
    for (const cookie of response.cookies.values()) {
      const [name] = cookie.split('=', 1) as [string]
      if (/;\s*httponly/i.test(cookie)) continue
      this.#warn(
        `cookie ${routeOf(request)} ${name}`,
        request,
        { cookie: name },
        'A cookie was set without HttpOnly',
      )
    }
  }

  #warnOfAbandoned(request: Request, site: CreationSite): void {
    const frames = programFrames(site)
    this.#warn(
      `promise ${frames}`,
      request,
      { createdAt: frames },
      'A handler returned before what it had started has finished: is an await missing, or waitUntil?',
    )
  }

  #reportBlocked(owner: WatchedRequest | undefined, duration: number): void {
    const blocked = Math.round(duration)
    if (!owner) return this.#tell({ blocked }, 'Something outside of requests has blocked the event loop')
    const layer = owner.layers.at(-1)
    const by = layer ? `${layer.kind} "${layer.name}"` : 'a request'
    const { method } = owner.request
    this.#tell({ blocked, by, method, route: routeOf(owner.request) }, 'The event loop was blocked')
  }

  /** @param key tells one place in the program from another */
  #warn(key: string, request: Request, fields: object, message: string): void {
    if (this.#given.has(key) || this.#given.size >= MAX_WARNINGS) return
    this.#given.add(key)
    this.#tell({ method: request.method, route: routeOf(request), ...fields }, message)
  }

  #tell(fields: object, message: string): void {
    try {
      this.#logger.warn(fields, message)
    } catch {
      // A logger that fails must not take the answer with it.
    }
  }
}

function routeOf({ route }: Request): string {
  return route?.path ?? 'no route'
}
