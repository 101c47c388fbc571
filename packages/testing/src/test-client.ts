import type { Agent } from 'node:http'

import { stateEntry } from '@allium/core'
import type { AppKey, Application, AppRunnerOptions } from '@allium/core'

import { ConnectionAgent } from './connection-agent.ts'
import { ConnectionPool } from './connection-pool.ts'
import { TestCookies } from './cookie-jar.ts'
import { assertTimeout } from './deadline.ts'
import { RawConnection } from './raw-connection.ts'
import { redirectedRequest } from './redirect.ts'
import { prepareRequest } from './request-init.ts'
import type {
  PreparedRequest,
  RequestArguments,
  RequestHeadersInit,
  RequestTarget,
  RouteRequestInit,
  TestRequestInit,
} from './request-init.ts'
import { RunningApp } from './running-app.ts'
import type { ApplicationSource, TransportName } from './running-app.ts'
import { SentRequest } from './sent-request.ts'
import type { SendOptions } from './sent-request.ts'
import { TestResponse } from './test-response.ts'

/** What one user of the application brings: its own to each client and each fork. */
export interface TestUserOptions {
  /** Sent with every request, unless the request has its own of the name. */
  readonly headers?: RequestHeadersInit | undefined
  /** Whether cookies are kept between requests; default `true`. */
  readonly cookies?: boolean | undefined
  /** How long a response may take to begin, and its body to be read, in milliseconds; default 5000. `Infinity` for ever. */
  readonly timeout?: number | undefined
}

/** State for the application, each value of its key's type: what would provide these keys is not run. */
export type StateOverrides<Values extends readonly unknown[]> = {
  readonly [Index in keyof Values]: readonly [key: AppKey<Values[Index]>, value: NoInfer<Values[Index]>]
}

/** What a {@link TestClient} can be given. */
export interface TestClientOptions<Values extends readonly unknown[] = readonly []> extends TestUserOptions {
  /**
   * How the application is reached; default: what the environment variable `ALLIUM_TEST_TRANSPORT` says, else `'memory'`.
   * Real sockets are slower and need no other tests.
   */
  readonly transport?: TransportName | undefined
  /** Pairs of key and value that replace what the application provides: a fake for its database. */
  readonly state?: StateOverrides<Values> | undefined
  /** For the `AppRunner`, as in production, but that `shutdownTimeout` is 3000 ms by default. */
  readonly runner?: Omit<AppRunnerOptions, 'state'> | undefined
}

/** A test, or what else runs a function when it is over: that of tap, `node:test`, vitest and the like. */
export type TestContext = AfterContext | TeardownContext | FinishedContext

/** As in `node:test` and tap. */
export interface AfterContext {
  /** Runs the function when the test is over, and fails the test when it rejects. */
  after(fn: () => Promise<void>): unknown
}

/** As in tap. */
export interface TeardownContext {
  /** Runs the function when the test is over, and fails the test when it rejects. */
  teardown(fn: () => Promise<void>): unknown
}

/** As in vitest. */
export interface FinishedContext {
  /** Runs the function when the test is over, and fails the test when it rejects. */
  onTestFinished(fn: () => Promise<void>): unknown
}

const DEFAULT_TIMEOUT = 5000
const DEFAULT_REDIRECTS = 20

/**
 * Starts an application now and stops it when the test is over, its clean-up included. No port is opened.
 *
 * @param t the test, or anything with `after`, `teardown` or `onTestFinished`
 * @param app an application, or a function that makes one
 * @throws whatever the startup of the application throws
 * @throws TypeError when the test offers none of these methods
 * @example
 * ```ts
 * import { Application, json } from '@allium/core'
 * import { testClient } from '@allium/testing'
 * import t from 'tap'
 *
 * const app = new Application()
 * const user = app.get('/users/:id', ({ params }) => json({ id: params.id }))
 *
 * t.test('a user is found by id', async t => {
 *   const client = await testClient(t, app)
 *   const response = await client.get(user, { params: { id: 42 } })
 *
 *   t.equal(response.status, 200)
 *   t.same(await response.json(), { id: '42' })
 * })
 * ```
 */
export async function testClient<Values extends readonly unknown[] | [] = readonly []>(
  t: TestContext,
  app: ApplicationSource,
  options?: TestClientOptions<Values> | undefined,
): Promise<TestClient> {
  const atEnd = findHook(t)
  const client = await TestClient.start(app, options)
  atEnd(() => client.close())
  return client
}

/**
 * A user of an application that runs for a test: sends requests over real HTTP, with Node's own client and server, and
 * keeps connections and cookies between them.
 */
export class TestClient implements AsyncDisposable {
  /** The cookies of this user. */
  readonly cookies: TestCookies
  readonly #running: RunningApp
  readonly #options: TestUserOptions
  readonly #parent: TestClient | undefined
  readonly #forks: TestClient[] = []
  readonly #pool: ConnectionPool
  #agent: Agent | undefined
  readonly #connections = new Set<RawConnection>()
  readonly #pending = new Set<PendingCall>()

  /** @internal Made by {@link TestClient.start} and {@link TestClient.fork}. */
  constructor(running: RunningApp, options: TestUserOptions, parent?: TestClient | undefined) {
    assertTimeout(options.timeout ?? DEFAULT_TIMEOUT)
    this.#running = running
    this.#options = options
    this.#parent = parent
    this.#pool = new ConnectionPool(() => running.connect())
    this.cookies = new TestCookies(new URL(running.origin).host)
  }

  /**
   * As {@link testClient}, for `await using client = await TestClient.start(app)`.
   *
   * @throws whatever the startup of the application throws
   */
  static async start<Values extends readonly unknown[] | [] = readonly []>(
    app: ApplicationSource,
    options: TestClientOptions<Values> = {},
  ): Promise<TestClient> {
    const { transport, runner } = options
    assertTimeout(options.timeout ?? DEFAULT_TIMEOUT)
    const pairs = (options.state ?? []) as readonly (readonly [AppKey<unknown>, unknown])[]
    const state = pairs.map(([key, value]) => stateEntry(key, value))
    return new TestClient(await RunningApp.start(app, { transport, runner, state }), options)
  }

  /** The application, started. */
  get app(): Application {
    return this.#running.app
  }

  /** Scheme and authority of the application's URLs: `http://localhost`, over TCP with address and port. */
  get origin(): string {
    return this.#running.origin
  }

  /** Other clients over `node:http` reach the application by this agent, over connections of their own. */
  get agent(): Agent {
    return (this.#agent ??= new ConnectionAgent(() => this.#running.connect()))
  }

  /** Sends a GET request. */
  get<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('GET', target, ...init)
  }

  /** Sends a POST request. */
  post<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('POST', target, ...init)
  }

  /** Sends a PUT request. */
  put<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('PUT', target, ...init)
  }

  /** Sends a PATCH request. */
  patch<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('PATCH', target, ...init)
  }

  /** Sends a DELETE request. */
  delete<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('DELETE', target, ...init)
  }

  /** Sends a HEAD request. */
  head<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('HEAD', target, ...init)
  }

  /** Sends an OPTIONS request; `'*'` is a path too. */
  options<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('OPTIONS', target, ...init)
  }

  /** Sends a QUERY request: safe, with a body. */
  query<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<TestResponse> {
    return this.request('QUERY', target, ...init)
  }

  /**
   * Sends a request and resolves when the head of the response has arrived, whatever its status.
   *
   * @throws Error naming method and path when no response begins within the timeout, or the connection fails
   * @throws TypeError for a target or a body that cannot be sent
   */
  request<Target extends RequestTarget>(
    method: string,
    target: Target,
    ...[init]: RequestArguments<Target>
  ): Promise<TestResponse> {
    const response = this.#send(method, target, init ?? {})
    return this.#track(`${method} ${typeof target === 'string' ? target : target.path}`, response)
  }

  /** Opens a connection for bytes: see {@link RawConnection}. It is cut when the client is closed. */
  connect(): RawConnection {
    const connection = new RawConnection(this.#running.connect(), this.#timeout)
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
    return connection
  }

  /**
   * Another user of the same application, with cookies and connections of its own. Closing it leaves the application
   * running; the first client closes its forks.
   *
   * @param options what differs from this client
   */
  fork(options: TestUserOptions = {}): TestClient {
    const { headers, cookies, timeout } = this.#options
    const merged = {
      headers: options.headers ?? headers,
      cookies: options.cookies ?? cookies,
      timeout: options.timeout ?? timeout,
    }
    const fork = new TestClient(this.#running, merged, this)
    this.#forks.push(fork)
    return fork
  }

  /**
   * Closes all connections, read or not, then stops the application and cleans it up. Calling it again gives the same
   * result.
   *
   * @throws what clean-ups throw
   * @throws Error when a handler or a clean-up is still running after `shutdownTimeout`, naming the requests that nobody
   *   answered
   */
  async close(): Promise<void> {
    const unanswered = this.#disconnect()
    if (!this.#parent) await this.#running.close(unanswered)
  }

  /** As {@link TestClient.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #timeout(): number {
    return this.#options.timeout ?? DEFAULT_TIMEOUT
  }

  /** Cuts every connection, of forks too, and names the requests in progress. */
  #disconnect(): string[] {
    const unanswered = Array.from(this.#pending, ({ name }) => name)
    // They will fail, and whoever does not wait for them any more is not to be told.
    for (const { response } of this.#pending) response?.catch(() => undefined)
    for (const connection of this.#connections) connection.destroy()
    this.#pool.destroy()
    this.#agent?.destroy()
    return [...unanswered, ...this.#forks.flatMap(fork => fork.#disconnect())]
  }

  /** Lists the request while it is in progress. A rejection that nobody handles stays one. */
  #track(name: string, sent: Promise<TestResponse>): Promise<TestResponse> {
    const call: PendingCall = { name, response: undefined }
    this.#pending.add(call)
    call.response = sent.finally(() => this.#pending.delete(call))
    return call.response
  }

  async #send(
    method: string,
    target: RequestTarget,
    init: Partial<RouteRequestInit<unknown>>,
  ): Promise<TestResponse> {
    const timeout = init.timeout ?? this.#timeout
    assertTimeout(timeout)
    const defaults = [this.#options.headers, { host: new URL(this.origin).host }]
    let prepared = prepareRequest(method, target, init, defaults)
    for (let redirects = redirectLimit(init); ; redirects--) {
      const response = await this.#exchange(prepared, { timeout, signal: init.signal })
      const next = init.follow ? redirectedRequest(prepared, response) : undefined
      if (!next) return response
      if (redirects === 0) throw new Error(`${method} ${prepared.path} failed: redirected too often`)
      response.discard()
      prepared = next
    }
  }

  /** One request, one response, with the cookies of both. */
  async #exchange(prepared: PreparedRequest, options: ExchangeOptions): Promise<TestResponse> {
    const { method, path, headers } = prepared
    const host = String(headers.get('host') ?? new URL(this.origin).host)
    const hasJar = this.#options.cookies ?? true
    const sent = hasJar ? withCookies(prepared, this.cookies.headerFor(host, path)) : prepared
    const { watch } = this.#running
    const request = new SentRequest(sent, { ...options, pool: this.#pool, watch })
    const { head, body, informational, upgraded } = await request.send()
    if (hasJar) this.cookies.store(setCookieFields(head!.rawHeaders), host, path)
    const url = `http://${host}${path}`
    return new TestResponse({
      head: head!, // the request was sent
      ...{ body, informational, upgraded, method, url, watch },
      timeout: options.timeout,
    })
  }
}

interface PendingCall {
  readonly name: string
  response: Promise<TestResponse> | undefined
}

type ExchangeOptions = Pick<SendOptions, 'timeout' | 'signal'>

function redirectLimit({ follow }: TestRequestInit): number {
  return typeof follow === 'number' ? follow : DEFAULT_REDIRECTS
}

/** A `Cookie` header of the request's own stands in place of the jar. */
function withCookies(prepared: PreparedRequest, cookie: string | undefined): PreparedRequest {
  if (cookie === undefined || prepared.headers.has('cookie')) return prepared
  return { ...prepared, headers: new Map([...prepared.headers, ['cookie', cookie]]) }
}

function findHook(t: Partial<Record<'after' | 'teardown' | 'onTestFinished', Hook>>): Hook {
  const name = (['after', 'teardown', 'onTestFinished'] as const).find(name => typeof t[name] === 'function')
  if (name) return fn => t[name]!(fn)
  throw new TypeError(
    'Cannot start a test client: the test has neither "after", "teardown" nor "onTestFinished"',
  )
}

type Hook = (fn: () => Promise<void>) => unknown

function setCookieFields(rawHeaders: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === 10 && rawHeaders[i]!.toLowerCase() === 'set-cookie')
      fields.push(rawHeaders[i + 1]!)
  }
  return fields
}
