import type { RequestListener } from 'node:http'

import { parseHost, Router } from '@allium/router'
import type { UrlOptions } from '@allium/router'

import { AppFetch } from './app-fetch.ts'
import type { ApplicationOptions, StartupOptions } from './application-options.ts'
import { bothObservers } from './both-observers.ts'
import type { CleanupContexts, PendingTeardown } from './cleanup-context.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { SECRET_FIELDS } from './debug-report.ts'
import { DebugWatch } from './debug-watch.ts'
import { Dispatcher } from './dispatcher.ts'
import type { ErrorClass, ErrorHandler } from './error-handlers.ts'
import type { HttpError } from './http-error.ts'
import { Lifecycle } from './lifecycle.ts'
import { createLogger } from './logger.ts'
import type { Logger } from './logger.ts'
import type { Awaitable, Middleware } from './middleware.ts'
import { findNamedRoute } from './named-route.ts'
import { ProxyTrust } from './proxy-trust.ts'
import type { RequestApp, RequestRoute } from './request-app.ts'
import { createNodeListeners } from './node-listener.ts'
import type { NodeListeners, UpgradeListener } from './node-listener.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'
import { RouteRegistrar } from './route-registrar.ts'
import { mountedUrl, Route, toRouteRecord } from './routes.ts'
import type { RouteDefinition } from './routes.ts'
import type { RunObserver } from './run-observer.ts'
import { Scope } from './scope.ts'
import type { Signal } from './signal.ts'
import { AppState } from './state.ts'
import type { AppKey } from './state.ts'
import { Tasks } from './tasks.ts'
import { UsageError } from './usage-error.ts'

/**
 * The owner of routes, middlewares, state and lifecycle. Everything hangs on it and nothing is global: several
 * live side by side in one process, and one is mounted in another.
 *
 * It is built, then started: the first startup freezes it, and what does not depend on a request is worked out then.
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/hello/:name', ({ params }) => text(`hello ${params.name}`))
 * ```
 */
export class Application extends RouteRegistrar implements RequestApp {
  /** Shown in logs and messages. */
  readonly name: string
  /** Where the application logs. */
  readonly logger: Logger
  /** @internal */
  readonly proxyTrust: ProxyTrust | undefined
  /** Typed state: see {@link AppKey}. */
  readonly state: AppState = new AppState()
  readonly #tasks: Tasks
  readonly #scope: Scope
  readonly #redacted: ReadonlySet<string>
  readonly #lifecycle: Lifecycle<Application>
  // Checks each registration at once; requests are matched by the dispatcher's tree of all applications.
  readonly #registered = new Router<Route>()
  readonly #mounted: Application[] = []
  #clock: Clock = systemClock
  #debug: boolean | undefined
  #debugWatch: DebugWatch | undefined
  #observer: RunObserver | undefined
  #appFetch: AppFetch | undefined
  #nodeListeners: NodeListeners | undefined
  #parent: Application | undefined
  #dispatcher: Dispatcher | undefined
  #frozen = false
  #isDraining = false
  #users = 0
  #started: Promise<void> | undefined

  /**
   * @throws RangeError for a body limit that is not a positive number of bytes, or a number of proxies that is none
   * @throws TypeError for a `trustProxy` that names an address or a network that is none
   */
  constructor(options: ApplicationOptions = {}) {
    super()
    this.name = options.name ?? 'app'
    this.logger = options.logger ?? createLogger()
    this.#debug = options.debug
    this.#redacted = new Set([...SECRET_FIELDS, ...(options.redact ?? [])].map(name => name.toLowerCase()))
    this.proxyTrust = options.trustProxy === undefined ? undefined : new ProxyTrust(options.trustProxy)
    this.#tasks = new Tasks(this, options.tasks)
    this.#scope = new Scope(this, validLimit(options.bodyLimit))
    this.#lifecycle = new Lifecycle<Application>(this)
    this.use(...(options.middlewares ?? []))
  }

  /** What time it is, and what happens later: the machine's time, unless the runner was given another clock. */
  get clock(): Clock {
    return this.#parent ? this.#parent.clock : this.#clock
  }

  /** Whether the server was told to stop: no further requests should be sent to it. */
  get isDraining(): boolean {
    return this.#parent ? this.#parent.isDraining : this.#isDraining
  }

  /** The applications that are mounted in this one, in the order in which they were. */
  get mounted(): readonly Application[] {
    return [...this.#mounted]
  }

  /** Background work; a mounted application shares that of the outermost. */
  get tasks(): Tasks {
    return this.#parent ? this.#parent.tasks : this.#tasks
  }

  /** Whether errors show themselves to clients. */
  get debug(): boolean {
    return this.#debug ?? (this.#parent ? this.#parent.debug : false)
  }

  /** Lower-case names of header fields and query parameters whose values are shown to nobody. */
  get redactedFields(): ReadonlySet<string> {
    return this.#parent ? new Set([...this.#redacted, ...this.#parent.redactedFields]) : this.#redacted
  }

  /** Sent at startup, after this application's cleanup contexts were entered. */
  get onStartup(): Signal<[app: Application]> {
    return this.#lifecycle.onStartup
  }

  /** Sent when the server stops accepting, before handlers in flight are waited for. */
  get onShutdown(): Signal<[app: Application]> {
    return this.#lifecycle.onShutdown
  }

  /** Sent last, after this application's cleanup contexts were left; only if its startup had finished. */
  get onCleanup(): Signal<[app: Application]> {
    return this.#lifecycle.onCleanup
  }

  /**
   * Sent just before the headers of any response leave, errors and 404s included: the application's receivers,
   * then those of the one mounted in it. A receiver that throws replaces the answer by a plain error.
   */
  get onResponsePrepare(): Signal<[request: Request, response: Response]> {
    return this.#scope.onResponsePrepare
  }

  /**
   * What is set up at startup and torn down at cleanup, in exact reverse: async generators with one `yield`, or
   * functions that return an `AsyncDisposable`. For a single value in the state, {@link Application.provide} is shorter.
   */
  get cleanupContexts(): CleanupContexts<Application> {
    return {
      add: context => {
        this.#assertOpen('add a cleanup context')
        this.#lifecycle.addContext(context.name || 'anonymous', context)
      },
    }
  }

  /**
   * Provides a value of the state for as long as the application runs: what the generator yields is set under the
   * key at startup, and the generator goes on at cleanup. A test that overrides the key skips the generator.
   *
   * @example
   * ```ts
   * import { AppKey, Application } from '@allium/core'
   *
   * const counter = new AppKey<Map<string, number>>('counter')
   * const app = new Application()
   *
   * app.provide(counter, async function* () {
   *   const counts = new Map<string, number>()
   *   yield counts
   *   counts.clear()
   * })
   * ```
   */
  provide<Value>(
    key: AppKey<Value>,
    provider: (app: Application) => AsyncGenerator<Value, void, unknown>,
  ): void {
    this.#assertOpen(`provide app state "${key.name}"`)
    this.#lifecycle.addContext(key.name, provider, key)
  }

  /**
   * Adds middlewares, first one outermost, around every route of this application and of those mounted in it,
   * also those registered before.
   *
   * @throws UsageError `ERR_MIDDLEWARE_ARGUMENT` for anything but functions: to run an application below a path,
   *   {@link Application.mount} it
   */
  use(...middlewares: readonly Middleware[]): void {
    this.#assertOpen('add a middleware')
    for (const middleware of middlewares) {
      if (typeof middleware !== 'function') throw notAMiddleware(middleware)
      this.#scope.middlewares.push(middleware)
    }
  }

  /**
   * Adds a route that was made as data.
   *
   * @throws Error naming both when method and path are taken, or when the path is malformed
   */
  override addRoute<Path extends string>(definition: RouteDefinition & { readonly path: Path }): Route<Path> {
    this.#assertOpen(`add route ${definition.method} ${definition.path}`)
    const record = toRouteRecord(definition)
    const route = new Route(record.method, definition.path, record.name, () => this.#scope.fullPrefix)
    this.#registered.add(record.method, record.path, route, {
      name: record.name,
      head: record.head,
    })
    this.#scope.routes.push(record)
    return route
  }

  /**
   * Runs another application below a path: its routes, inside its own middlewares, inside these. What it does not
   * answer is its own 404. Matched by whole segments; the most specific route of all applications wins.
   *
   * @param prefix begins with '/', does not end with it, and has no parameters
   * @throws UsageError `ERR_APP_MOUNTED` when the other application is mounted already or was started by itself
   */
  mount(prefix: string, app: Application): void {
    if (!/^(?:\/[^/:*()?]+)+$/.test(prefix)) {
      throw new TypeError(
        `Cannot mount at "${prefix}": a prefix is one or more literal segments, such as "/admin"`,
      )
    }
    this.#adopt(app, `at "${prefix}"`)
    app.#scope.prefix = prefix
  }

  /**
   * Runs another application for one host, `api.example.com` or `*.example.com`, without regard to case and port.
   * A request for that host never falls back to this application's own routes.
   *
   * @throws UsageError `ERR_APP_MOUNTED` when the other application is mounted already or was started by itself
   */
  mountHost(host: string, app: Application): void {
    this.#adopt(app, `at host "${host}"`)
    app.#scope.host = parseHost(host)
  }

  /**
   * Makes the answer for errors of a class, or for errors with a status: custom pages. The nearest application
   * wins, and in it the error's own class, then its status, then the classes it extends. An error that is not an
   * {@link HttpError} counts as a 500, and is its `cause` for a handler by status.
   *
   * @example
   * ```ts
   * import { Application, html } from '@allium/core'
   *
   * const app = new Application()
   * app.onError(404, () => html('<h1>Nothing here</h1>', { status: 404 }))
   * ```
   */
  onError(status: number, handler: ErrorHandler<HttpError>): void
  onError<Thrown>(errorClass: ErrorClass<Thrown>, handler: ErrorHandler<Thrown>): void
  onError(kind: number | ErrorClass<unknown>, handler: ErrorHandler<never>): void {
    this.#assertOpen('add an error handler')
    if (typeof kind === 'number' && !(kind >= 400 && kind <= 599)) {
      throw new RangeError(`Cannot add an error handler for status ${kind}: it is not between 400 and 599`)
    }
    this.#scope.errorHandlers.add(kind, handler)
  }

  /**
   * The URL of a named route: of this application, of one mounted in it as `'its-name.route'`, or of one further out.
   *
   * @throws UsageError `ERR_ROUTE_NAME_UNKNOWN` when no route has the name
   */
  url(
    name: string,
    params?: Readonly<Record<string, string | number>> | undefined,
    options?: UrlOptions | undefined,
  ): string {
    const found = findNamedRoute(this.#scope, name)
    if (!found)
      throw new UsageError('ERR_ROUTE_NAME_UNKNOWN', `Cannot make a URL: no route is named "${name}"`)
    return mountedUrl(found.prefix, found.path, params, options)
  }

  /** Every route of this application and of those mounted in it, mount prefixes included. */
  routes(): RequestRoute[] {
    return (this.#dispatcher ?? new Dispatcher(this.#scope)).routes()
  }

  /**
   * Freezes and starts the application: cleanup contexts in order, `onStartup`, then what is mounted. A failure
   * half-way unwinds what was entered and rejects with the original error. Several runners share one startup.
   * After {@link Application.cleanup} it may be started again.
   *
   * @param options for tests; of several runners those of the first one count
   * @throws UsageError `ERR_APP_MOUNTED` for an application that is mounted in another
   */
  async startup(options: StartupOptions = {}): Promise<void> {
    if (this.#parent) {
      throw new UsageError(
        'ERR_APP_MOUNTED',
        `Cannot start "${this.name}": it is mounted in "${this.#parent.name}"`,
      )
    }
    this.#freeze()
    this.#prepareDispatch(options.observer !== undefined || this.debugNames().length > 0)
    this.#users++
    try {
      await (this.#started ??= this.#start(options))
    } catch (error) {
      if (--this.#users === 0) this.#started = undefined
      throw error
    }
  }

  /** Sends `onShutdown`, innermost applications first, once the last runner asks for it, and tells tasks to end. */
  async shutdown(): Promise<void> {
    if (this.#users !== 1) return
    this.#tasks.stop()
    await this.#lifecycle.shutdown()
  }

  /**
   * This application as a listener for a server that somebody else has made, alone or inside another framework
   * (`express().use(app.nodeListener())`): start the application before, and clean it up after.
   *
   * @example
   * ```ts
   * import { createServer } from 'node:http'
   *
   * import { Application, text } from '@allium/core'
   *
   * const app = new Application()
   * app.get('/', () => text('hello'))
   *
   * await app.startup()
   * const server = createServer(app.nodeListener()).listen(0, '127.0.0.1', async () => {
   *   server.close()
   *   await app.cleanup()
   * })
   * ```
   */
  nodeListener(): RequestListener {
    this.#nodeListeners ??= createNodeListeners(this)
    return this.#nodeListeners.request
  }

  /**
   * For the `upgrade` event of a server that somebody else has made, so that WebSockets work there too:
   * `server.on('upgrade', app.upgradeListener())` beside {@link Application.nodeListener}. All upgrades of that server then
   * come here; those that are none for this application are answered like any request, and their connections closed.
   */
  upgradeListener(): UpgradeListener {
    this.#nodeListeners ??= createNodeListeners(this)
    return this.#nodeListeners.upgrade
  }

  /**
   * Answers a Fetch `Request` with a Fetch `Response`, through the same parser and limits as a request from a network.
   * The application has to be started.
   *
   * @throws UsageError `ERR_APP_NOT_STARTED` before startup and after cleanup
   * @throws the reason of the request's AbortSignal when that fires before the response has begun
   *
   * @example
   * ```ts
   * import { Application, text } from '@allium/core'
   *
   * const app = new Application()
   * app.get('/', () => text('hello'))
   *
   * await app.startup()
   * const response = await app.fetch(new Request('http://localhost/'))
   * console.log(await response.text())
   * await app.cleanup()
   * ```
   */
  async fetch(request: globalThis.Request): Promise<globalThis.Response> {
    this.#running()
    this.#appFetch ??= new AppFetch(this)
    return this.#appFetch.fetch(request)
  }

  /** @internal The server was told to stop, and is still serving. */
  drain(): void {
    this.#isDraining = true
  }

  /** @internal Settles when background tasks have ended, once the last runner asks for it. */
  async settle(): Promise<void> {
    if (this.#users === 1) await this.#tasks.idle()
  }

  /**
   * Undoes what startup did, in exact reverse, once the last runner asks for it. Every teardown runs; one error is
   * thrown as it is, several as an `AggregateError`.
   */
  async cleanup(): Promise<void> {
    if (this.#users === 0 || --this.#users > 0) return
    this.#started = undefined
    this.#tasks.close()
    try {
      await this.#lifecycle.cleanup()
    } finally {
      this.#debugWatch?.stop()
    }
  }

  /** @internal Turns debug mode on where the application itself has not decided. */
  enableDebug(): void {
    this.#debug ??= true
  }

  /** @internal Names of the applications in debug mode, among this one and those mounted in it. */
  debugNames(): string[] {
    return [...(this.debug ? [this.name] : []), ...this.#mounted.flatMap(app => app.debugNames())]
  }

  /** @internal Who is told of every request, if anybody. */
  get observer(): RunObserver | undefined {
    return this.#observer
  }

  /** @internal What keeps an eye on requests and promises, in debug mode. */
  get debugWatch(): DebugWatch | undefined {
    return this.#debugWatch
  }

  /** @internal Whether tasks remember where they were spawned. */
  get recordsOrigins(): boolean {
    return this.debug || this.#observer !== undefined
  }

  /** @internal The clean-ups that were begun or are still to come, last one first. */
  get pendingCleanups(): PendingTeardown[] {
    return this.#lifecycle.pendingTeardowns
  }

  /** @internal */
  handle(request: Request): Awaitable<Response> {
    return this.#running().handle(request)
  }

  /** @internal */
  refuse(request: Request, error: HttpError): Awaitable<Response> {
    return this.#running().refuse(request, error)
  }

  #prepareDispatch(isObserved: boolean): void {
    if (isObserved && !this.#dispatcher?.isObserved) {
      this.#dispatcher = new Dispatcher(this.#scope, () => this.#observer)
    }
    this.#dispatcher ??= new Dispatcher(this.#scope)
  }

  async #start({ state = [], clock = systemClock, observer }: StartupOptions): Promise<void> {
    this.#clock = clock
    this.#debugWatch = this.debugNames().length > 0 ? new DebugWatch(this.logger) : undefined
    this.#debugWatch?.start()
    this.#observer = bothObservers(observer, this.#debugWatch)
    this.#isDraining = false
    this.#tasks.open()
    try {
      await this.#lifecycle.start(state)
    } catch (error) {
      this.#tasks.stop()
      this.#tasks.close()
      this.#debugWatch?.stop()
      throw error
    }
  }

  #running(): Dispatcher {
    if (this.#dispatcher && this.#started) return this.#dispatcher
    throw new UsageError('ERR_APP_NOT_STARTED', `Cannot handle a request: "${this.name}" is not started`)
  }

  #freeze(): void {
    this.#frozen = true
    this.#lifecycle.freeze()
    this.#scope.onResponsePrepare.freeze()
    for (const app of this.#mounted) app.#freeze()
  }

  #adopt(app: Application, place: string): void {
    this.#assertOpen(`mount "${app.name}" ${place}`)
    const state = app.#parent ? 'it is mounted already' : app.#frozen ? 'it was started by itself' : undefined
    if (state || app === this) {
      throw new UsageError(
        'ERR_APP_MOUNTED',
        `Cannot mount "${app.name}" ${place}: ${state ?? 'it is the same application'}`,
      )
    }
    app.#parent = this
    app.#scope.parent = this.#scope
    app.state.inherit(this.state)
    this.#scope.children.push(app.#scope)
    this.#lifecycle.addChild(app.#lifecycle)
    this.#mounted.push(app)
  }

  #assertOpen(attempt: string): void {
    if (this.#frozen)
      throw new UsageError('ERR_APP_FROZEN', `Cannot ${attempt}: "${this.name}" is frozen since its startup`)
  }
}

function validLimit(bodyLimit: number | undefined): number | undefined {
  if (bodyLimit === undefined || bodyLimit > 0) return bodyLimit
  throw new RangeError(`Cannot limit bodies to ${bodyLimit} bytes: the limit is a positive number`)
}

function notAMiddleware(value: unknown): UsageError {
  const hint = typeof value === 'string' ? `; to run an application below "${value}", mount() it` : ''
  return new UsageError(
    'ERR_MIDDLEWARE_ARGUMENT',
    `Cannot use a ${typeof value} as a middleware: it takes functions${hint}`,
  )
}
