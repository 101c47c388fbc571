import { METHODS } from 'node:http'

import { Router } from '@allium/router'

import { HttpMethodNotAllowed, HttpNotFound, HttpUriTooLong } from './http-error.ts'
import type { HttpError } from './http-error.ts'
import { compose } from './middleware.ts'
import type { Awaitable, Handler, Next, OnionSection } from './middleware.ts'
import { dispatchRequest } from './request.ts'
import type { RequestRoute } from './request-app.ts'
import type { AnyParams, DispatchTarget, Request } from './request.ts'
import { empty } from './response.ts'
import type { Response } from './response.ts'
import type { RunObserver } from './run-observer.ts'
import type { RouteRecord, Scope } from './scope.ts'
import type { Signal } from './signal.ts'
import { RequestKey } from './state.ts'
import { tracing } from './tracing.ts'

/** Something that answers: a target with its onion around it. */
interface Endpoint extends DispatchTarget {
  readonly run: Next
  /** In place of those that the router finds. */
  readonly params: AnyParams | undefined
}

/** Params of a mounted '/*' at the bare prefix, as it has them at the prefix with a slash. */
const BARE: AnyParams = Object.freeze(Object.assign(Object.create(null) as AnyParams, { '*': '' }))

const refusal = new RequestKey<HttpError>('allium refusal')

/**
 * All routes of an application and of those mounted in it, flattened into one tree, each with its onion composed:
 * made once at freeze, so that a request costs one look-up whatever the nesting.
 */
export class Dispatcher {
  readonly #root: Scope
  readonly #router = new Router<Endpoint>()
  readonly #misses = new Map<Scope, Endpoint>()
  readonly #refused: Endpoint
  /** Longest prefix first, so that the first one that covers a path is the innermost. */
  readonly #scopes: readonly Scope[]
  readonly #hasHosts: boolean
  readonly #observer: (() => RunObserver | undefined) | undefined
  readonly #find: DispatchTarget['find'] = (request, method, path) =>
    this.#router.match(method, path, this.#hasHosts ? request.host : undefined)?.route.value.route

  /** @param observer gives whom to tell of every run of a layer, if anybody */
  constructor(root: Scope, observer?: () => RunObserver | undefined) {
    this.#root = root
    this.#observer = observer
    this.#scopes = [...root.tree()].sort((a, b) => b.fullPrefix.length - a.fullPrefix.length)
    this.#hasHosts = this.#scopes.some(({ host }) => host !== undefined)
    for (const scope of this.#scopes) {
      for (const record of scope.routes) this.#add(scope, record)
      this.#misses.set(
        scope,
        this.#endpoint(scope, request => this.#miss(request), 'no route'),
      )
    }
    this.#refused = this.#endpoint(root, refuse, 'a refused request')
  }

  /** Whether layers tell an observer of their runs. */
  get isObserved(): boolean {
    return this.#observer !== undefined
  }

  /** Every route, mount prefixes included. */
  routes(): RequestRoute[] {
    return Array.from(this.#router.routes(), ({ value }) => value.route!)
  }

  /** Answers the request. The response is there at once when nothing on the way was asynchronous. */
  handle(request: Request): Awaitable<Response> {
    const match = this.#router.match(request.method, request.path, this.#hasHosts ? request.host : undefined)
    if (match === undefined) return this.#enter(this.#misses.get(this.#scopeOf(request))!, request)

    const endpoint = match.route.value
    dispatchRequest(request, endpoint, this.#root.app, endpoint.params ?? match.params)
    return endpoint.run(request)
  }

  /** Answers a request that the server will not route, through the root's middlewares like any other. */
  refuse(request: Request, error: HttpError): Awaitable<Response> {
    request.state.set(refusal, error)
    return this.#enter(this.#refused, request)
  }

  #enter(endpoint: Endpoint, request: Request): Awaitable<Response> {
    dispatchRequest(request, endpoint, this.#root.app, undefined)
    return endpoint.run(request)
  }

  #add(scope: Scope, record: RouteRecord): void {
    const { method, name, handler, middlewares, meta, head } = record
    for (const path of mountedPaths(scope, record)) {
      const route: RequestRoute = { method, path, name, meta }
      const bodyLimit = record.bodyLimit ?? scope.bodyLimit
      const params = isBareWildcard(scope, record, path) ? BARE : undefined
      const own = { route, middlewares, bodyLimit, params }
      const endpoint = this.#endpoint(scope, handler, `${method} ${path}`, own)
      this.#router.add(method, path, endpoint, { head, host: hostOf(scope) })
    }
  }

  #endpoint(
    scope: Scope,
    handler: Handler,
    label: string,
    own?: Pick<Endpoint, 'params' | 'bodyLimit'> & Pick<RouteRecord, 'middlewares'> & { route: RequestRoute },
  ): Endpoint {
    const sections = scope.lineage.map(sectionOf)
    if (own) sections.push({ ...sections.at(-1)!, middlewares: own.middlewares })
    const run = compose(sections, handler, label, this.#observer)
    return {
      run: own && tracing.route.hasSubscribers ? traced(run, own.route) : run,
      route: own?.route,
      params: own?.params,
      bodyLimit: own?.bodyLimit ?? scope.bodyLimit,
      find: this.#find,
      prepareSignals: scope.lineage.map(prepareSignalOf).filter(signal => signal.size > 0),
    }
  }

  /** The handler of whatever matches no route: inside the onion, so that logs, error pages and CORS see it. */
  #miss(request: Request): Response {
    const { method, path } = request
    if (path === '*') return allow(this.#methodsInUse())

    const allowed = this.#router.allowedMethods(path, request.host)
    if (allowed.length === 0)
      throw this.#router.exceedsParamLength(path) ? new HttpUriTooLong() : new HttpNotFound()
    const answered = [...new Set([...allowed, 'OPTIONS'])]
    if (method === 'OPTIONS') return allow(answered)
    throw new HttpMethodNotAllowed(method, answered)
  }

  /** What `OPTIONS *` tells of the server as a whole (RFC 9110 §9.3.7). */
  #methodsInUse(): string[] {
    const used = new Set(['OPTIONS', ...this.routes().map(({ method }) => method)])
    if (used.has('*')) return METHODS
    return used.has('GET') ? [...used.add('HEAD')] : [...used]
  }

  /** The innermost application whose mount covers the path, segment by segment. */
  #scopeOf(request: Request): Scope {
    const host = this.#claimedHost(request)
    return (
      this.#scopes.find(scope => hostOf(scope) === host && covers(scope.fullPrefix, request.path)) ??
      this.#root
    )
  }

  #claimedHost(request: Request): string | undefined {
    return this.#hasHosts ? this.#router.claimedHost(request.host) : undefined
  }
}

function traced(run: Next, route: RequestRoute): Next {
  return request => tracing.route.tracePromise(async () => run(request), { request, route })
}

function refuse(request: Request): Response {
  throw request.state.get(refusal)
}

function sectionOf(scope: Scope): OnionSection {
  const { app, middlewares } = scope
  return { app, middlewares, rescue: (request, error) => scope.rescue(request, error) }
}

function prepareSignalOf(scope: Scope): Signal<[Request, Response]> {
  return scope.onResponsePrepare
}

/**
 * A mounted '/' answers the bare prefix too, unless the sub-application has a route '' for it; so does a mounted '/*',
 * which answers '/' as well, unless there is a route for either.
 */
function mountedPaths({ fullPrefix, routes }: Scope, { path, method }: RouteRecord): string[] {
  const mounted = fullPrefix + path
  if (fullPrefix === '' || (path !== '/' && path !== '/*')) return [mounted || '/']
  const rivals = routes.filter(route => route.path === '' || (route.path === '/' && path === '/*'))
  const isTaken = rivals.some(route => path === '/' || route.method === method || route.method === '*')
  return isTaken ? [mounted] : [fullPrefix, mounted]
}

/** Whether the path is the one at which a mounted '/*' has nothing to match. */
function isBareWildcard({ fullPrefix }: Scope, record: RouteRecord, path: string): boolean {
  return record.path === '/*' && path === fullPrefix
}

function hostOf(scope: Scope): string | undefined {
  return scope.host ?? (scope.parent && hostOf(scope.parent))
}

function covers(prefix: string, path: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/')
}

function allow(methods: readonly string[]): Response {
  return empty(204, { headers: { allow: [...methods].sort().join(', ') } })
}
