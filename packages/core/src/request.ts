import type { IncomingMessage } from 'node:http'

import type { StandardSchemaV1 } from '@standard-schema/spec'

import type { HeadersInit } from './headers.ts'
import { HttpNotFound } from './http-error.ts'
import type { UpgradedConnection } from './pending-upgrade.ts'
import type { Peer } from './proxy-trust.ts'
import type { RequestAborted } from './request-aborted.ts'
import type { RequestApp, RequestRoute } from './request-app.ts'
import type { BodyExchange } from './request-body.ts'
import { limitBody, RequestContent } from './request-content.ts'
import { assertCalledOnRequest, overrideFacts } from './request-head.ts'
import type { RequestFacts } from './request-head.ts'
import type { RequestTarget } from './request-target.ts'
import type { Response } from './response.ts'
import type { ResponseSink } from './response-sink.ts'
import type { Signal } from './signal.ts'
import { RequestState } from './state.ts'
import { validate, ValidationError } from './validation.ts'

/** What a request was dispatched to: worked out once, at freeze. */
export interface DispatchTarget {
  readonly route: RequestRoute | undefined
  readonly bodyLimit: number
  /** The route that another method and path would reach, on the host of the request. */
  readonly find: (request: Request, method: string, path: string) => RequestRoute | undefined
  /** Signals that have receivers, outermost application first. */
  readonly prepareSignals: readonly Signal<[Request, Response]>[]
}

/** What a request needs of the exchange that it belongs to. */
export interface RequestExchange extends BodyExchange {
  readonly peer: Peer
  readonly isPrepared: boolean
  readonly isUpgradable: boolean
  sendEarlyHints(headers: HeadersInit): void
  waitUntil(work: Promise<unknown>): void
  pass(response: Response): void
  commit(request: Request, response: Response): Promise<ResponseSink>
  upgrade(response: Response): Promise<UpgradedConnection>
}

/** Is told, once, that a request is aborted. */
export interface AbortFollower {
  abort(reason: Error): void
}

/** Runs just before a response's headers leave; the last chance to change them. */
export type PrepareHook = (request: Request, response: Response) => void | Promise<void>

/** Values of a path's parameters when the path is not known to the compiler, as in a middleware. */
export type AnyParams = Readonly<Record<string, string | undefined>>

const NO_PARAMS: AnyParams = Object.freeze(Object.create(null) as AnyParams)

// What the layers around a request may do to it; the door does not export them.

/** Ties the request to what will answer it. */
export let dispatchRequest: (
  request: Request,
  target: DispatchTarget,
  app: RequestApp,
  params: AnyParams | undefined,
) => void
/** What the request was dispatched to. */
export let targetOf: (request: Request) => DispatchTarget | undefined
/** Makes another application the current one; returns the one before. */
export let enterApp: (request: Request, app: RequestApp | undefined) => RequestApp | undefined
/** Notes how far inwards the request has come; returns how far it had come before. */
export let enterLayer: (request: Request, depth: number) => number
/** Fires the request's AbortSignal, also one that is made later. */
export let abortRequest: (request: Request, reason: RequestAborted) => void
/** Tells who has taken the connection when the request is aborted, without an AbortSignal for each WebSocket. */
export let followAbort: (request: Request, follower: AbortFollower) => void
/** Sends the head of a response from inside the handler, which then writes the body into the sink. */
export let commitResponse: (request: Request, response: Response) => Promise<ResponseSink>
/** Tells a client that waits for it to send the body. */
export let sendContinue: (request: Request) => void
/** Notes that a streamed response has come out of a layer: those that are not sent are closed. */
export let passStreamed: (request: Request, response: Response) => void
/** The hooks that {@link Request.onPrepare} added. */
export let prepareHooksOf: (request: Request) => readonly PrepareHook[] | undefined
/** The hooks that {@link Request.onFinish} added. */
export let finishHooksOf: (request: Request) => readonly (() => void)[] | undefined

/**
 * One request, as a handler sees it: a lazy view over Node's `IncomingMessage`. Nothing is parsed before it is
 * asked for, and each thing once.
 *
 * Properties may be destructured, `({ params, query }) => …`; methods must be called on the request.
 */
export class Request<Params = AnyParams> extends RequestContent {
  readonly #exchange: RequestExchange
  #target: DispatchTarget | undefined
  #app: RequestApp | undefined
  #params: AnyParams
  #depth: number
  #state: RequestState | undefined
  #abort: AbortController | undefined
  #abortReason: Error | undefined
  #prepareHooks: PrepareHook[] | undefined
  #finishHooks: (() => void)[] | undefined
  #follower: AbortFollower | undefined

  static {
    dispatchRequest = (request, target, app, params) => {
      request.#target = target
      limitBody(request, target.bodyLimit)
      request.#app = app
      if (params) request.#params = params
    }
    enterApp = (request, app) => {
      const outer = request.#app
      request.#app = app
      return outer
    }
    enterLayer = (request, depth) => {
      const before = request.#depth
      request.#depth = depth
      return before
    }
    abortRequest = (request, reason) => request.#fireAbort(reason)
    commitResponse = (request, response) => request.#exchange.commit(request, response)
    sendContinue = request => request.#exchange.sendContinue()
    passStreamed = (request, response) => request.#exchange.pass(response)
    prepareHooksOf = request => request.#prepareHooks
    finishHooksOf = request => request.#finishHooks
    targetOf = request => request.#target
    followAbort = (request, follower) => {
      request.#follower = follower
      if (request.#abortReason) follower.abort(request.#abortReason)
    }
  }

  /** @internal Requests are made by the server. */
  constructor(raw: IncomingMessage, exchange: RequestExchange, address: RequestTarget) {
    super(raw, address, exchange.peer, exchange)
    this.#exchange = exchange
    this.#target = undefined
    this.#app = undefined
    this.#params = NO_PARAMS
    this.#depth = -1
    // The remaining private fields start undefined in declaration order: every request has one hidden class.
  }

  /** Values of the path's parameters, typed from the path. An object without a prototype. */
  get params(): Params {
    // the router matched the path that Params was derived from
    return this.#params as Params
  }

  /** The application that is running now: inside a mount it is the mounted one. */
  get app(): RequestApp {
    return this.#app!
  }

  /** The route that matched, or `undefined` for a 404 or 405. */
  get route(): RequestRoute | undefined {
    return this.#target?.route
  }

  /** What middlewares leave on this request. */
  get state(): RequestState {
    return (this.#state ??= new RequestState())
  }

  /**
   * Aborts when the answer is not wanted any more: the client has gone, time is up, or the server shuts down. Its
   * `reason` is a {@link RequestAborted} that tells which, or what {@link Request.abort} was given. Handlers are never
   * stopped by force. Made on first use.
   */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#abortReason) this.#abort.abort(this.#abortReason)
    }
    return this.#abort.signal
  }

  /**
   * Replaces what is known of the client, for everything that asks from now on: where a proxy tells it in a field of its
   * own that `trustProxy` does not read. Routing is over by then. Believe such a field only from a peer that is known.
   *
   * @throws TypeError for a scheme, host or address that is none
   */
  override(this: Request<Params>, facts: RequestFacts): void {
    assertCalledOnRequest(this, 'override')
    overrideFacts(this, facts)
  }

  /**
   * Calls the hook just before the headers of this request's response leave, whatever made the response: handler,
   * middleware or error. The hook added last runs first, then those of the applications, outermost first. A hook
   * that throws replaces the answer by a plain error; an `HttpError` keeps its status.
   */
  onPrepare(this: Request<Params>, hook: PrepareHook): void {
    assertCalledOnRequest(this, 'onPrepare')
    ;(this.#prepareHooks ??= []).push(hook)
  }

  /**
   * Whether the headers of this request's response have left, or are about to: a hook that is added to
   * {@link Request.onPrepare} now is not called any more.
   */
  get isPrepared(): boolean {
    return this.#exchange.isPrepared
  }

  /**
   * Whether the connection can change its protocol to WebSocket by {@link Request.upgrade}: the client has asked for it
   * with a GET request over HTTP/1.1 that has no body and follows no request that is still being answered. Whether the
   * handshake is a good one is for whoever upgrades.
   */
  get isUpgradable(): boolean {
    return this.#exchange.isUpgradable
  }

  /**
   * Takes the connection away from HTTP: runs the prepare hooks, then gives the socket, the bytes that came behind the
   * request, and the header fields that hooks and handler have left on the response for the 101, which is the caller's to
   * write. For libraries of protocols: `@allium/ws` is made of it. Answering in another way is impossible from then on.
   *
   * The request is in progress until the response is concluded, and its `signal` aborts when the client goes and when the
   * server stops; the time to stop in is also that of the connection.
   *
   * @throws what a hook throws
   * @throws HttpServiceUnavailable when the server is stopping
   * @throws RequestAborted when the client has gone
   * @throws UsageError `ERR_UPGRADE_STATE` when the request is not {@link Request.isUpgradable}, or has an answer already
   */
  upgrade(this: Request<Params>, response: Response): Promise<UpgradedConnection> {
    assertCalledOnRequest(this, 'upgrade')
    return this.#exchange.upgrade(response)
  }

  /**
   * Calls the hook once the request is over: its answer is complete, or was cut, or never came. For what is kept per
   * request and has to be let go of. What the hook throws is logged.
   */
  onFinish(this: Request<Params>, hook: () => void): void {
    assertCalledOnRequest(this, 'onFinish')
    ;(this.#finishHooks ??= []).push(hook)
  }

  /**
   * Lets work go on after the answer: the server stops only when it is done, or at the deadline, and uploaded files
   * stay until then. What it throws is logged and nothing else.
   */
  waitUntil(this: Request<Params>, work: Promise<unknown>): void {
    assertCalledOnRequest(this, 'waitUntil')
    this.#exchange.waitUntil(work)
  }

  /**
   * Fires {@link Request.signal}, with any reason: for what has to stop although client and server are there, as
   * when a login is revoked. The handler goes on and may answer.
   */
  abort(this: Request<Params>, reason: Error): void {
    assertCalledOnRequest(this, 'abort')
    this.#fireAbort(reason)
  }

  /**
   * Sends a 103 with header fields ahead of the answer, mostly `link` with what the page will need (RFC 8297). Does
   * nothing for HTTP/1.0 clients, and once the headers have left.
   *
   * @throws TypeError for a name or a value that is not allowed in a header field
   */
  sendEarlyHints(this: Request<Params>, headers: HeadersInit): void {
    assertCalledOnRequest(this, 'sendEarlyHints')
    this.#exchange.sendEarlyHints(headers)
  }

  /**
   * The path's parameters as what the `schema` makes of them.
   *
   * @throws HttpNotFound when they do not fit: such a path leads nowhere
   */
  async parseParams<Schema extends StandardSchemaV1>(
    this: Request<Params>,
    schema: Schema,
  ): Promise<StandardSchemaV1.InferOutput<Schema>> {
    assertCalledOnRequest(this, 'parseParams')
    return validate(schema, this.#params, 'The path').catch((error: unknown) => {
      throw error instanceof ValidationError ? new HttpNotFound(undefined, { cause: error }) : error
    })
  }

  #fireAbort(reason: Error): void {
    if (this.#abortReason) return
    this.#abortReason = reason
    this.#abort?.abort(reason)
    this.#follower?.abort(reason)
  }
}
