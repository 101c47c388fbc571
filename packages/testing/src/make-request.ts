import { Application, empty } from '@allium/core'
import type { Clock, get, Request, RequestApp, Route } from '@allium/core'
import { enterApp } from '@allium/core/testing'

import type { PeerOptions } from './peer-options.ts'
import { silence } from './pending-response.ts'
import type { TestRequestInit } from './request-init.ts'
import type { StateOverrides } from './state-overrides.ts'
import { TestClient } from './test-client.ts'
import { endHookOf } from './test-context.ts'
import type { TestContext } from './test-context.ts'

/** What a request for a unit test is made of, besides its path. */
export interface MakeRequestOptions<Values extends readonly unknown[] = readonly []>
  extends Omit<TestRequestInit, 'follow' | 'timeout'>, PeerOptions {
  /** Default `GET`. */
  readonly method?: string | undefined
  /** What `request.app` is; default: an application of its own, with `state` and `clock`. Need not be started. */
  readonly app?: RequestApp | undefined
  /** What `request.app.state` holds, as pairs of key and value. Not beside `app`, which has a state. */
  readonly state?: StateOverrides<Values> | undefined
  /** What time it is at `request.app.clock`. Not beside `app`, which has a clock. */
  readonly clock?: 'virtual' | Clock | undefined
  /** The largest body that is read, in bytes; default 1 MiB. */
  readonly bodyLimit?: number | undefined
}

/** What follows the path: `params` are required where it has some. */
export type MakeRequestArguments<
  Path extends string,
  Values extends readonly unknown[],
> = undefined extends Parameters<Route<Path>['url']>[0]
  ? [options?: MakeRequestOptions<Values> | undefined]
  : [
      options: MakeRequestOptions<Values> & {
        /** A value for each param of the path. */
        readonly params: Parameters<Route<Path>['url']>[0]
      },
    ]

/** The request that a handler of the path takes. */
export type MadeRequest<Path extends string> = Parameters<Parameters<typeof get<Path>>[1]>[0]

/**
 * A request for a unit test of one handler or one middleware, which is called with it and nothing else: no route, no
 * middleware, no error page. It is a request like any other, that came through the parser over a socket in memory: what it
 * may not be over the network it may not be here. Nobody reads what it is answered with; when the test is over, so is the
 * request, and its `AbortSignal` fires when `signal` does, as for a client that leaves.
 *
 * Where several parts are to work together, send a request to the application instead: see {@link testClient}.
 *
 * @param t the test, or anything with `after`, `teardown` or `onTestFinished`
 * @param path a pattern, as routes have it; its `params` are given, and typed in the request
 * @throws TypeError for a request that cannot be sent, and for `state` or `clock` beside `app`
 * @example
 * ```ts
 * import { json, text, type Next, type Request } from '@allium/core'
 * import { makeRequest } from '@allium/testing'
 * import t from 'tap'
 *
 * async function showUser(request: Request<{ id: string }>) {
 *   return json({ id: request.params.id, tab: request.query.get('tab') })
 * }
 *
 * async function requireKey(request: Request, next: Next) {
 *   return request.headers.get('x-key') === 'open' ? next(request) : text('no', { status: 403 })
 * }
 *
 * t.test('a handler', async t => {
 *   const request = await makeRequest(t, '/users/:id', { params: { id: 42 }, query: { tab: 'posts' } })
 *
 *   t.equal((await showUser(request)).body, '{"id":"42","tab":"posts"}')
 * })
 *
 * t.test('a middleware', async t => {
 *   const request = await makeRequest(t, '/', { headers: { 'x-key': 'wrong' } })
 *
 *   t.equal((await requireKey(request, async () => text('inside'))).status, 403)
 * })
 * ```
 */
export async function makeRequest<
  const Path extends string,
  Values extends readonly unknown[] | [] = readonly [],
>(
  t: TestContext,
  path: Path,
  ...[options = {}]: MakeRequestArguments<Path, Values>
): Promise<MadeRequest<Path>> {
  const atEnd = endHookOf(t)
  const { method = 'GET', app, state, clock, remoteAddress, encrypted, bodyLimit, ...init } = options
  if (app && (state || clock)) {
    throw new TypeError(
      `Cannot make a request with "app" and "${state ? 'state' : 'clock'}": the app has its own`,
    )
  }
  const host = new Application({ name: 'unit test', bodyLimit })
  const arrival = new Arrival()
  const route = host.route(method, path, request => arrival.take(request))
  const client = await TestClient.start(host, {
    ...{ transport: 'memory', cookies: false, timeout: Infinity },
    ...{ state, clock, remoteAddress, encrypted },
  })
  atEnd(() => arrival.end(client))
  const sent = client.request(method, route as unknown as string, init) // params were checked by our own arguments
  silence(sent)
  const request = await arrival.of(sent)
  if (app) enterApp(request, app)
  return request as MadeRequest<Path> // it matched this very path
}

/** A request that a handler has been given, and does not answer until the test is over. */
class Arrival {
  readonly #answer = withResolvers()
  #arrived!: (request: Request) => void
  readonly #request = new Promise<Request>(resolve => (this.#arrived = resolve))

  async take(request: Request): Promise<ReturnType<typeof empty>> {
    this.#arrived(request)
    await this.#answer.promise
    return empty()
  }

  /** @throws what made it impossible to send */
  of(sent: Promise<unknown>): Promise<Request> {
    const failed = sent.then(response => {
      throw new TypeError(`Cannot make such a request: the server has refused it with ${statusOf(response)}`)
    })
    return Promise.race([this.#request, failed])
  }

  async end(client: TestClient): Promise<void> {
    this.#answer.resolve()
    await client.close()
  }
}

function statusOf(response: unknown): number {
  return (response as { status: number }).status
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void
  const promise = new Promise<void>(settle => (resolve = settle))
  return { promise, resolve }
}
