import type { Agent } from 'node:http'

import type { Application } from '@allium/core'

import { DEFAULT_TIMEOUT } from './client-options.ts'
import type { TestClientOptions, TestUserOptions } from './client-options.ts'
import { ConnectionAgent } from './connection-agent.ts'
import { TestCookies } from './cookie-jar.ts'
import { assertTimeout } from './deadline.ts'
import { createFetch } from './fetch-client.ts'
import type { AllowedLeaks } from './leaks.ts'
import { outsideTests } from './outside-tests.ts'
import type { PeerOptions } from './peer-options.ts'
import type { WebSocketArguments } from './open-web-socket.ts'
import { PendingResponse, silence } from './pending-response.ts'
import { RawConnection } from './raw-connection.ts'
import type { RequestArguments, RequestTarget } from './request-init.ts'
import { RequestMethods } from './request-methods.ts'
import { RequestSender } from './request-sender.ts'
import { RunningApp } from './running-app.ts'
import type { AllowedWarnings, TestWarning } from './strictness.ts'
import type { ApplicationSource } from './startable-app.ts'
import { toStateEntries } from './state-overrides.ts'
import type { TestWebSocket } from './test-web-socket.ts'

/**
 * A user of an application that runs for a test: sends requests over real HTTP, with Node's own client and server, and
 * keeps connections and cookies between them.
 */
export class TestClient extends RequestMethods implements AsyncDisposable {
  /** Scheme and authority of the application's URLs: `http://localhost`, over TCP with address and port. */
  readonly origin: string
  /** The cookies of this user. */
  readonly cookies: TestCookies
  readonly #running: RunningApp
  readonly #options: TestUserOptions
  readonly #peer: PeerOptions
  readonly #parent: TestClient | undefined
  readonly #forks: TestClient[] = []
  readonly #sender: RequestSender
  #agent: Agent | undefined
  #fetch: typeof globalThis.fetch | undefined
  readonly #connections = new Set<RawConnection>()
  readonly #pending = new Set<PendingResponse>()

  /** @internal Made by {@link TestClient.start} and {@link TestClient.fork}. */
  constructor(running: RunningApp, options: TestUserOptions, parent?: TestClient | undefined) {
    super()
    assertTimeout(options.timeout ?? DEFAULT_TIMEOUT)
    this.#running = running
    this.#options = options
    this.#parent = parent
    const peer = { remoteAddress: options.remoteAddress, encrypted: options.encrypted }
    this.#peer = peer
    this.origin = running.originFor(peer)
    this.cookies = new TestCookies(new URL(this.origin).host)
    this.#sender = new RequestSender(running, {
      headers: options.headers,
      cookies: (options.cookies ?? true) ? this.cookies : undefined,
      timeout: this.#timeout,
      peer,
    })
  }

  /**
   * As `testClient`, for `await using client = await TestClient.start(app)`.
   *
   * @throws whatever the startup of the application throws
   */
  static async start<Values extends readonly unknown[] | [] = readonly []>(
    app: ApplicationSource,
    options: TestClientOptions<Values> = {},
  ): Promise<TestClient> {
    const { transport, runner, clock, coverage, redact, strict } = options
    assertTimeout(options.timeout ?? DEFAULT_TIMEOUT)
    const state = toStateEntries(options.state)
    const running = await outsideTests(() =>
      RunningApp.start(app, { transport, runner, clock, redact, strict, state, coverage }),
    )
    try {
      return new TestClient(running, options)
    } catch (error) {
      await running.close() // such a user cannot be
      throw error
    }
  }

  /** The application, started. */
  get app(): Application {
    return this.#running.app
  }

  /** Other clients over `node:http` reach the application by this agent, over connections of their own. */
  get agent(): Agent {
    return (this.#agent ??= new ConnectionAgent(() => this.#running.connect(this.#peer)))
  }

  /**
   * Sends a request and resolves when the head of the response has arrived, whatever its status.
   *
   * @throws Error naming method and path when no response begins within the timeout, or the connection fails
   * @throws TypeError for a target or a body that cannot be sent
   */
  override request<Target extends RequestTarget>(
    method: string,
    target: Target,
    ...[init]: RequestArguments<Target>
  ): PendingResponse {
    const sent = this.#sender.send(method, target, init ?? {})
    const response = new PendingResponse((resolve, reject) => {
      const settled = sent.finally(() => this.#pending.delete(response))
      settled.then(resolve, reject)
    })
    this.#pending.add(response)
    return response
  }

  /**
   * `fetch` for this user: relative URLs lead to the application, and so do absolute ones, of whatever host. May be handed
   * on as it is, for instance to a client that was generated. Redirects are followed, as `fetch` does.
   */
  get fetch(): typeof globalThis.fetch {
    return (this.#fetch ??= createFetch(this.origin, (method, path, init) =>
      this.request(method, path, init),
    ))
  }

  /**
   * Opens a WebSocket by the package `ws`, which has to be installed, and resolves when the server has agreed. Cookies and
   * default headers are those of a request. It is cut when the client is closed.
   *
   * @throws WebSocketRefused with the response, when the server has answered otherwise
   * @throws Error naming the path when the handshake takes longer than the timeout, or the connection fails
   */
  async ws<Target extends RequestTarget>(
    target: Target,
    ...[init]: WebSocketArguments<Target>
  ): Promise<TestWebSocket> {
    return this.#sender.openWebSocket(target, init ?? {})
  }

  /** Opens a connection for bytes: see {@link RawConnection}. It is cut when the client is closed. */
  connect(): RawConnection {
    const connection = new RawConnection(this.#running.connect(this.#peer), this.#timeout)
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
    return connection
  }

  /**
   * Advances the time of an application that was started with `clock: 'virtual'`. Timers of `app.clock` go off one after
   * another, each at its very moment, and what each sets off has run before the next: heartbeats, time limits, expiry,
   * rate limits. Bare timers of Node's know nothing of this clock.
   *
   * @throws RangeError for a number that is negative or not finite
   * @throws TypeError when the application was started with another clock
   * @throws Error when the application does not come to rest
   */
  advance(milliseconds: number): Promise<void> {
    return this.#running.time.advance(milliseconds, this.#timeout)
  }

  /**
   * Settles when the application has done all that it can do by itself: what remains waits for a client, a timer or another
   * machine. Works in real time and under any fake clock.
   *
   * @throws Error when that takes longer than the timeout of the client, naming what goes on
   */
  settle(): Promise<void> {
    return this.#running.time.settle(this.#timeout)
  }

  /**
   * What was said, and what the application did in between: of each of the last 100 requests of this client and its forks,
   * the bytes of request and response, the route, the middlewares and the handler with their times, and what they threw.
   * Secrets are hidden, see {@link TestClientOptions.redact}; of long bodies the beginning is shown.
   */
  transcript(): string {
    return this.#running.transcript.whole
  }

  /**
   * What works and is wrong all the same, as far as it has come to light: a `Content-Length` that is not that of the body, a
   * body that belongs to a 204, a request body that nobody has read, a cookie without `HttpOnly` or `SameSite`, a
   * middleware that does not wait for `next()`. With {@link TestClientOptions.strict} they fail the test.
   */
  get warnings(): readonly TestWarning[] {
    return this.#running.strictness.warnings
  }

  /**
   * Takes warnings as they are, for this test.
   *
   * @param kinds with the reason for each
   * @throws TypeError for a kind that there is not, or one without a reason
   */
  allowWarnings(kinds: AllowedWarnings): void {
    this.#running.strictness.allow(kinds)
  }

  /**
   * Lets the application leave something behind when it is closed, for this test: what a library keeps for the whole
   * process, for instance.
   *
   * @param kinds with the reason for each
   * @throws TypeError for a kind that there is not, or one without a reason
   */
  allowLeaks(kinds: AllowedLeaks): void {
    this.#running.leaks.allow(kinds)
  }

  /**
   * Another user of the same application, with cookies and connections of its own. Closing it leaves the application
   * running; the first client closes its forks.
   *
   * @param options what differs from this client
   */
  fork(options: TestUserOptions = {}): TestClient {
    const { headers, cookies, timeout, remoteAddress, encrypted } = this.#options
    const merged = {
      headers: options.headers ?? headers,
      cookies: options.cookies ?? cookies,
      timeout: options.timeout ?? timeout,
      remoteAddress: options.remoteAddress ?? remoteAddress,
      encrypted: options.encrypted ?? encrypted,
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
   * @throws LeakError naming what the application has left behind, each with the place at which it was made: handlers that
   *   do not end, streams, WebSockets, tasks, clean-ups, uploaded files, timers, sockets, other handles
   * @throws StrictnessError for a client that is strict, naming its warnings
   */
  async close(): Promise<void> {
    this.#disconnect()
    if (!this.#parent) await outsideTests(() => this.#running.close())
  }

  /** As {@link TestClient.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #timeout(): number {
    return this.#options.timeout ?? DEFAULT_TIMEOUT
  }

  /** Cuts every connection, of forks too. */
  #disconnect(): void {
    // Requests in progress will fail, and whoever does not wait for them any more is not to be told.
    for (const response of this.#pending) silence(response)
    for (const connection of this.#connections) connection.destroy()
    this.#sender.destroy()
    this.#agent?.destroy()
    for (const fork of this.#forks) fork.#disconnect()
  }
}
