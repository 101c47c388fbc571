import type { Duplex } from 'node:stream'

import { CallSite } from './call-site.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { TestCookies } from './cookie-jar.ts'
import { assertTimeout } from './deadline.ts'
import { encodeMultipart } from './multipart-form.ts'
import type { PeerOptions } from './peer-options.ts'
import { redirectedRequest } from './redirect.ts'
import { prepareRequest } from './request-init.ts'
import type {
  PreparedRequest,
  RequestHeadersInit,
  RequestTarget,
  RouteRequestInit,
  TestRequestInit,
} from './request-init.ts'
import { openWebSocket } from './open-web-socket.ts'
import type { WebSocketInit } from './open-web-socket.ts'
import type { RunningApp } from './running-app.ts'
import { SentRequest } from './sent-request.ts'
import type { SendOptions } from './sent-request.ts'
import { TestResponse } from './test-response.ts'
import type { TestWebSocket } from './test-web-socket.ts'

/** How one user sends its requests. */
export interface SenderOptions {
  readonly headers: RequestHeadersInit | undefined
  /** `undefined` where none are kept. */
  readonly cookies: TestCookies | undefined
  readonly timeout: number
  readonly peer: PeerOptions
}

const DEFAULT_REDIRECTS = 20

/** Sends requests for one user, over connections of its own: defaults, cookies and redirects included. */
export class RequestSender {
  readonly #running: RunningApp
  readonly #options: SenderOptions
  /** With a colon. */
  readonly #scheme: string
  readonly #host: string
  readonly #pool: ConnectionPool
  /** Those that speak WebSocket, or will. */
  readonly #sockets = new Set<Duplex>()

  constructor(running: RunningApp, options: SenderOptions) {
    this.#running = running
    this.#options = options
    const { protocol, host } = new URL(running.originFor(options.peer))
    this.#scheme = protocol
    this.#host = host
    this.#pool = new ConnectionPool(() => running.connect(options.peer))
  }

  /** Sends a request, and those that its redirects lead to. */
  async send(
    method: string,
    target: RequestTarget,
    init: Partial<RouteRequestInit<unknown>>,
  ): Promise<TestResponse> {
    const site = CallSite.here()
    const timeout = init.timeout ?? this.#options.timeout
    assertTimeout(timeout)
    const defaults = [this.#options.headers, { host: this.#host }]
    const form = init.multipart === undefined ? undefined : await encodeMultipart(init.multipart)
    let prepared = prepareRequest(method, target, init, defaults, form)
    for (let redirects = redirectLimit(init); ; redirects--) {
      const response = await this.#exchange(prepared, { timeout, signal: init.signal, site })
      const next = init.follow ? redirectedRequest(prepared, response) : undefined
      if (!next) return response
      if (redirects === 0) throw new Error(`${method} ${prepared.path} failed: redirected too often`)
      response.discard()
      prepared = next
    }
  }

  /** Opens a WebSocket, over a connection of its own. */
  openWebSocket(
    target: RequestTarget,
    { query, headers, ...init }: WebSocketInit & { readonly params?: unknown },
  ): Promise<TestWebSocket> {
    const timeout = init.timeout ?? this.#options.timeout
    assertTimeout(timeout)
    const defaults = [this.#options.headers, { host: this.#host }]
    const prepared = prepareRequest('GET', target, { query, headers, params: init.params }, defaults)
    const host = this.#hostOf(prepared)
    const { cookies } = this.#options
    return openWebSocket(this.#withCookies(prepared, host), {
      ...init,
      timeout,
      origin: `${this.#scheme}//${this.#host}`,
      watch: this.#running.watch,
      connect: () => this.#connect(),
      onHead: rawHeaders => cookies?.store(setCookieFields(rawHeaders), host, prepared.path),
    })
  }

  /** Cuts its connections. */
  destroy(): void {
    this.#pool.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }

  #connect(): Duplex {
    const socket = this.#running.connect(this.#options.peer)
    this.#sockets.add(socket)
    return socket.once('close', () => this.#sockets.delete(socket))
  }

  #hostOf({ headers }: PreparedRequest): string {
    return String(headers.get('host') ?? this.#host)
  }

  #withCookies(prepared: PreparedRequest, host: string): PreparedRequest {
    const { cookies } = this.#options
    return cookies ? withCookies(prepared, cookies.headerFor(host, prepared.path)) : prepared
  }

  /** One request, one response, with the cookies of both. */
  async #exchange(prepared: PreparedRequest, options: ExchangeOptions): Promise<TestResponse> {
    const { method, path } = prepared
    const { cookies } = this.#options
    const host = this.#hostOf(prepared)
    const sent = this.#withCookies(prepared, host)
    const { watch, conversation, reports, strictness, transcript } = this.#running
    const record = conversation.begin(method, path, options.site)
    const { timeout, signal } = options
    // Written out: objects made by spreading are slow ones, a fifth of a request in memory.
    const request = new SentRequest(sent, {
      timeout,
      signal,
      pool: this.#pool,
      watch,
      record,
      report: record => reports.of(record),
      onSurplus: bytes => strictness.lookAtSurplus(record, bytes),
      portOf: socket => this.#running.portOf(socket),
    })
    const head = await request.send()
    const { body, informational, upgraded } = request
    const setCookies = setCookieFields(head.rawHeaders)
    cookies?.store(setCookies, host, path)
    if (setCookies.length > 0) strictness.lookAtCookies(record, setCookies)
    const url = `${this.#scheme}//${host}${path}`
    return new TestResponse({
      head,
      body,
      informational,
      upgraded,
      method,
      url,
      watch,
      report: () => reports.of(record),
      transcript: () => transcript.of(record),
      timeout,
    })
  }
}

type ExchangeOptions = Pick<SendOptions, 'timeout' | 'signal'> & { readonly site: CallSite }

function redirectLimit({ follow }: TestRequestInit): number {
  return typeof follow === 'number' ? follow : DEFAULT_REDIRECTS
}

/** A `Cookie` header of the request's own stands in place of the jar. */
function withCookies(prepared: PreparedRequest, cookie: string | undefined): PreparedRequest {
  if (cookie === undefined || prepared.headers.has('cookie')) return prepared
  return { ...prepared, headers: new Map([...prepared.headers, ['cookie', cookie]]) }
}

function setCookieFields(rawHeaders: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === 10 && rawHeaders[i]!.toLowerCase() === 'set-cookie')
      fields.push(rawHeaders[i + 1]!)
  }
  return fields
}
