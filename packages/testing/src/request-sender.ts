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
import type { RunningApp } from './running-app.ts'
import { SentRequest } from './sent-request.ts'
import type { SendOptions } from './sent-request.ts'
import { TestResponse } from './test-response.ts'

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
    const timeout = init.timeout ?? this.#options.timeout
    assertTimeout(timeout)
    const defaults = [this.#options.headers, { host: this.#host }]
    const form = init.multipart === undefined ? undefined : await encodeMultipart(init.multipart)
    let prepared = prepareRequest(method, target, init, defaults, form)
    for (let redirects = redirectLimit(init); ; redirects--) {
      const response = await this.#exchange(prepared, { timeout, signal: init.signal })
      const next = init.follow ? redirectedRequest(prepared, response) : undefined
      if (!next) return response
      if (redirects === 0) throw new Error(`${method} ${prepared.path} failed: redirected too often`)
      response.discard()
      prepared = next
    }
  }

  /** Cuts its connections. */
  destroy(): void {
    this.#pool.destroy()
  }

  /** One request, one response, with the cookies of both. */
  async #exchange(prepared: PreparedRequest, options: ExchangeOptions): Promise<TestResponse> {
    const { method, path, headers } = prepared
    const { cookies } = this.#options
    const host = String(headers.get('host') ?? this.#host)
    const sent = cookies ? withCookies(prepared, cookies.headerFor(host, path)) : prepared
    const { watch } = this.#running
    const request = new SentRequest(sent, { ...options, pool: this.#pool, watch })
    const { head, body, informational, upgraded } = await request.send()
    cookies?.store(setCookieFields(head!.rawHeaders), host, path)
    const url = `${this.#scheme}//${host}${path}`
    return new TestResponse({
      head: head!, // the request was sent
      ...{ body, informational, upgraded, method, url, watch },
      timeout: options.timeout,
    })
  }
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

function setCookieFields(rawHeaders: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === 10 && rawHeaders[i]!.toLowerCase() === 'set-cookie')
      fields.push(rawHeaders[i + 1]!)
  }
  return fields
}
