import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
// Bound at import: a fake one that a test puts in its place later does not hold answers up.
import { nextTick } from 'node:process'

import type { AccessLog } from './access-log.ts'
import { discardUnreadBody } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Timer } from './clock.ts'
import { errorResponse } from './error-response.ts'
import { endTrace, logAccess } from './exchange-outcome.ts'
import type { ExchangeOutcome } from './exchange-outcome.ts'
import type { DebugWatch } from './debug-watch.ts'
import { readHeadFields } from './head-fields.ts'
import type { HeadFields } from './head-fields.ts'
import type { HeadersInit } from './headers.ts'
import { Headers } from './headers.ts'
import { HttpError, HttpServiceUnavailable } from './http-error.ts'
import { isInstance } from './is-instance.ts'
import { ANSWERED } from './middleware.ts'
import type { PendingUpgrade, UpgradedConnection } from './pending-upgrade.ts'
import type { Peer, ProxyTrust } from './proxy-trust.ts'
import type { Awaitable } from './middleware.ts'
import {
  abortRequest,
  enterLayer,
  finishHooksOf,
  followAbort,
  prepareHooksOf,
  Request,
  targetOf,
} from './request.ts'
import type { RequestExchange } from './request.ts'
import type { RequestApp } from './request-app.ts'
import { RequestAborted } from './request-aborted.ts'
import { releaseBody } from './request-content.ts'
import { parseRequestTarget } from './request-target.ts'
import type { RequestTarget } from './request-target.ts'
import { Response } from './response.ts'
import type { StreamedBody } from './response-body.ts'
import { ResponseSink } from './response-sink.ts'
import { allowsBody, sendHead, sendResponse } from './send-response.ts'
import type { RunObserver } from './run-observer.ts'
import { openBody } from './stream-body.ts'
import type { OpenBody } from './stream-body.ts'
import type { AllTemporaryFiles } from './temporary-files.ts'
import { beginWebSocketTrace, endWebSocketTrace, tracing } from './tracing.ts'
import type { RequestTrace, WebSocketTrace } from './tracing.ts'
import { UpgradeResponse } from './upgrade-response.ts'
import { UsageError } from './usage-error.ts'

/** What a server needs of the application that it serves. */
export interface ServedApplication extends RequestApp {
  /** Who is told of every request, if anybody. */
  readonly observer: RunObserver | undefined
  /** What keeps an eye on requests, in debug mode. */
  readonly debugWatch: DebugWatch | undefined
  /** Who may speak for others, if anybody. */
  readonly proxyTrust: ProxyTrust | undefined
  /** Answers a request. */
  handle(request: Request): Awaitable<Response>
  /** Answers a request that the server will not route. */
  refuse(request: Request, error: HttpError): Awaitable<Response>
}

/** What the exchanges of a server have in common. */
export interface ExchangeOwner {
  readonly app: ServedApplication
  /** How long a client may read nothing of what was written to it, in milliseconds. */
  readonly writeTimeout: number
  /** Is told of every exchange that is over. */
  readonly accessLog: AccessLog | undefined
  /** The temporary files of all requests, as long as they are there. */
  readonly temporaryFiles: AllTemporaryFiles
  /** Whether every answer is the last one on its connection. */
  readonly isStopping: boolean
  /** Why the application will not route the request, if so. */
  refusalOf(exchange: Exchange, request: Request, target: RequestTarget | string): HttpError | undefined
  /** Whether the exchange is kept for later; it is then started again. */
  hold(exchange: Exchange): boolean
  /** An answer is begun. */
  started(): void
  /** An answer is complete, or will never be. */
  finished(exchange: Exchange): void
  /** Something goes on after the answer. */
  waitFor(work: Promise<unknown>): void
}

const NOWHERE: RequestTarget = { rawPath: '/', path: '/', queryText: '', authority: undefined }
/** The largest body that is handed to Node in one piece, in bytes. */
const LARGE = 256 * 1024

/** Stands for every answer that has become a 101: the 2 KB of its own would be kept for as long as the connection is open. */
const SWITCHED = new ServerResponse({ method: 'GET' } as IncomingMessage).writeHead(101)
SWITCHED.shouldKeepAlive = false

/** One request and its answer: has the application answer, then sends what came out of it. */
export class Exchange implements RequestExchange {
  readonly raw: IncomingMessage
  readonly fields: HeadFields
  response: ServerResponse
  readonly connection: Connection
  readonly #owner: ExchangeOwner
  /** How the connection changes its protocol, for as long as it can. */
  #pending: PendingUpgrade | undefined
  #request: Request | undefined
  /** What was prepared from inside the handler. */
  #committed: Response | undefined
  #sink: ResponseSink | undefined
  #ranHooks = false
  #streams: Response[] | undefined
  #answered: Response | undefined
  #work: Promise<unknown>[] | undefined
  #trace: RequestTrace | undefined
  #webSocketTrace: WebSocketTrace | undefined
  #startedAt = 0

  constructor(
    raw: IncomingMessage,
    response: ServerResponse,
    connection: Connection,
    owner: ExchangeOwner,
    pending?: PendingUpgrade,
  ) {
    this.raw = raw
    this.fields = readHeadFields(raw.rawHeaders)
    this.response = response
    this.connection = connection
    this.#owner = owner
    this.#pending = pending
    this.#request = undefined
    this.#committed = undefined
    this.#sink = undefined
    this.#streams = undefined
  }

  /** Whoever is connected. */
  get peer(): Peer {
    return this.connection.peer
  }

  /** Whether the headers of the answer are past changing. */
  get isPrepared(): boolean {
    return this.#ranHooks || this.response.headersSent
  }

  /** Has the application answer. */
  start(): void {
    const { raw, connection } = this
    const owner = this.#owner
    if (owner.isStopping && owner.hold(this)) return
    owner.started()
    if (owner.accessLog) this.#startedAt = performance.now()
    const target = parseRequestTarget(raw.method!, raw.url!)
    const request = new Request(raw, this, typeof target === 'string' ? NOWHERE : target)
    this.#request = request
    connection.track(request)
    owner.app.observer?.began(request)
    if (owner.isStopping) abortRequest(request, new RequestAborted('shutdown'))
    const { debugWatch } = owner.app
    if (debugWatch) debugWatch.follow(request, () => this.#begin(request, target))
    else this.#begin(request, target)
  }

  #begin(request: Request, target: RequestTarget | string): void {
    if (!tracing.request.hasSubscribers) return this.#run(request, target)
    this.#trace = { request }
    tracing.request.start.runStores(this.#trace, () => this.#run(request, target))
    tracing.request.end.publish(this.#trace)
  }

  #run(request: Request, target: RequestTarget | string): void {
    const owner = this.#owner
    const refusal = owner.refusalOf(this, request, target)
    try {
      const answer = refusal ? owner.app.refuse(request, refusal) : owner.app.handle(request)
      if (answer instanceof Response) return this.#answer(request, answer)
      answer.then(
        settled => this.#answer(request, settled),
        (error: unknown) => this.#fail(request, error),
      )
    } catch (error) {
      this.#fail(request, error)
    }
  }

  get temporaryFiles(): AllTemporaryFiles {
    return this.#owner.temporaryFiles
  }

  /** Tells a client that waits for it to send the body (RFC 9110 §10.1.1). */
  sendContinue(): void {
    if (!this.response.headersSent) this.response.writeContinue()
  }

  /** Sends 103 with these headers ahead of the answer (RFC 8297); nothing to HTTP/1.0, which has no such thing. */
  sendEarlyHints(init: HeadersInit): void {
    const headers = new Headers(init) // refuses what does not belong into a header
    if (this.response.headersSent || this.raw.httpVersionMinor === 0) return
    let text = 'HTTP/1.1 103 Early Hints\r\n'
    for (const [name, value] of headers) text += `${name}: ${value}\r\n`
    this.raw.socket.write(`${text}\r\n`, 'latin1')
  }

  /** The server is not done before this is. */
  waitUntil(work: Promise<unknown>): void {
    const request = this.#request
    const settled = work.catch((error: unknown) =>
      this.#report(error, request, 'Work after a response failed'),
    )
    ;(this.#work ??= []).push(settled)
    this.#owner.waitFor(settled)
  }

  /** A layer of the onion has let this streamed response out; of several only one will be sent. */
  pass(response: Response): void {
    if (response === this.#committed) {
      this.#sink?.end(response.flatTrailers).catch(() => {}) // whoever concludes hears of it
    } else {
      this.#streams ??= []
      if (!this.#streams.includes(response)) this.#streams.push(response)
    }
  }

  /**
   * Sends the head from inside the handler, which then writes the body.
   *
   * @throws UsageError `ERR_RESPONSE_STATE` when the request has an answer already
   */
  async commit(request: Request, response: Response): Promise<ResponseSink> {
    if (this.#committed || isAnswered(request)) {
      throw new UsageError(
        'ERR_RESPONSE_STATE',
        'Cannot prepare a response: the request has an answer already',
      )
    }
    if (!response.markSent()) throw reused()
    this.#committed = response
    try {
      await this.#prepare(request, response)
      this.#decideConnection()
      this.#sink = this.#open(response)
      this.response.flushHeaders()
    } catch (error) {
      this.#committed = undefined
      throw error
    }
    if (this.raw.method === 'HEAD') abortRequest(request, new RequestAborted('answered'))
    return this.#sink
  }

  /** Whether the connection can change its protocol. */
  get isUpgradable(): boolean {
    return this.#pending !== undefined
  }

  /** Gives the connection away; see `Request.upgrade`. */
  async upgrade(response: Response): Promise<UpgradedConnection> {
    const pending = this.#pending
    const request = this.#request!
    // Once the onion has unwound, only what came out of it may begin.
    if (!pending || this.#committed || (isAnswered(request) && this.#answered !== response)) {
      const state = pending ? 'it has an answer already' : 'it does not ask for it, or cannot have it'
      throw new UsageError('ERR_UPGRADE_STATE', `Cannot upgrade the connection of a request: ${state}`)
    }
    if (!response.markSent()) throw reused()
    this.#committed = response
    try {
      if (!this.#ranHooks) await this.#prepare(request, response)
      if (this.#owner.isStopping) throw new HttpServiceUnavailable()
      if (pending.isGone) throw new RequestAborted('client gone')
    } catch (error) {
      this.#committed = undefined
      throw error
    }
    this.#pending = undefined
    this.connection.handOver()
    this.response = SWITCHED
    this.#webSocketTrace = beginWebSocketTrace(request, response)
    if (isInstance(response, UpgradeResponse)) followAbort(request, response)
    return { ...pending.take(), headers: response.toFlatHeaders() }
  }

  #answer(request: Request, answer: Response): void {
    enterLayer(request, ANSWERED)
    this.#answered = answer
    if (!answer.isStreamed) this.#discardUnsent(answer)
    if (this.#committed) return void this.#conclude(this.#committed, answer)
    if (answer.isStreamed && isInstance(answer, UpgradeResponse)) return void this.#converse(request, answer)
    const isObserved = prepareHooksOf(request) !== undefined || targetOf(request)!.prepareSignals.length > 0
    if (!isObserved || this.#ranHooks) return this.#send(answer)
    this.#prepare(request, answer).then(
      () => this.#send(answer),
      (error: unknown) => {
        answer.discard()
        this.#fail(request, error)
      },
    )
  }

  /** Runs what wants to see the response before it leaves: the request's own hooks, then the applications' signals. */
  async #prepare(request: Request, response: Response): Promise<void> {
    this.#ranHooks = true
    for (const hook of prepareHooksOf(request)?.toReversed() ?? []) await hook(request, response)
    for (const signal of targetOf(request)!.prepareSignals) await signal.send(request, response)
  }

  /** The last resort: an answer that was to leave and could not. */
  #fail(request: Request, error: unknown): void {
    enterLayer(request, ANSWERED)
    if (!isInstance(error, HttpError)) this.#report(error, request)
    this.#answered = errorResponse(error, request, this.#owner.app)
    this.#send(this.#answered)
  }

  #send(answer: Response): void {
    const { raw, response } = this
    if (response.destroyed) return this.#abandon(answer)
    this.#decideConnection()
    if (!answer.markSent()) return this.#sendError(reused())
    const isWanted = raw.method !== 'HEAD' && allowsBody(answer.status)
    if (isWanted && isSentInPieces(answer)) return void this.#stream(answer)
    this.#discardRequestBody()
    if (answer.isStreamed) {
      answer.discard()
      this.#attempt(() => {
        sendHead(response, answer, allowsBody(answer.status) ? answer.streamLength : undefined)
        response.end()
      })
    } else {
      this.#attempt(() => sendResponse(response, raw.method!, answer))
    }
    this.#leave()
  }

  /** The client has gone before there was an answer. */
  #abandon(answer: Response): void {
    this.#releaseRequestBody()
    answer.discard()
    this.#answered = undefined
    this.#finish()
  }

  #attempt(send: () => void): void {
    try {
      send()
    } catch (error) {
      this.#report(error, undefined)
      if (this.response.headersSent) this.response.destroy()
      else this.#sendPlainly(error)
    }
  }

  #sendError(error: unknown): void {
    this.#discardRequestBody()
    this.#report(error, undefined)
    this.#sendPlainly(error)
    this.#leave()
  }

  #sendPlainly(error: unknown): void {
    this.response.statusMessage = ''
    sendResponse(this.response, this.raw.method!, errorResponse(error, this.#request!, this.#owner.app))
  }

  /** Sends a body piece by piece. The request's body may be its source, so that is left alone until the end. */
  async #stream(answer: Response): Promise<void> {
    let body: OpenBody | undefined
    let sink: ResponseSink
    try {
      if (answer.isStreamed) body = await openBody(answer.body as StreamedBody)
      sink = this.#sink = this.#open(answer)
    } catch (error) {
      answer.discard()
      return this.#sendError(error)
    }
    try {
      if (body?.isSlow) this.response.flushHeaders()
      if (body) await body.pump(sink)
      else await sink.write(answer.body as string | Uint8Array)
      await sink.end(answer.flatTrailers)
    } catch (error) {
      sink.cut()
      if (body) this.#owner.app.observer?.givenUp?.(this.#request!, body.released)
      if (!isInstance(error, RequestAborted)) this.#report(error, this.#request)
    }
    this.#discardRequestBody()
    this.#finish()
  }

  /** Ends what the handler has begun to send by itself. */
  async #conclude(committed: Response, answer: Response): Promise<void> {
    if (isInstance(committed, UpgradeResponse)) {
      return this.#hangUp(committed, answer === committed ? undefined : (answer.error ?? answer))
    }
    const sink = this.#sink!
    try {
      if (answer === committed || sink.isEnded) await sink.end(committed.flatTrailers)
      else sink.cut() // what was sent is no whole answer, and must not look like one (P30)
    } catch (error) {
      if (!isInstance(error, RequestAborted)) this.#report(error, this.#request)
    }
    this.#discardRequestBody()
    this.#finish()
  }

  /** Has a response take the connection and speak, now that no layer waits for it. */
  async #converse(request: Request, answer: UpgradeResponse): Promise<void> {
    this.#discardUnsent(answer)
    try {
      await answer.begin(request)
    } catch (error) {
      if (this.#committed) return this.#hangUp(answer, error)
      if (!isInstance(error, RequestAborted)) return this.#fail(request, error)
      this.raw.socket.destroy()
      return this.#abandon(answer)
    }
    return this.#hangUp(answer, undefined)
  }

  /** Nothing of HTTP is written any more, whatever became of the handler. */
  async #hangUp(upgraded: UpgradeResponse, failure: unknown): Promise<void> {
    try {
      await upgraded.conclude(failure)
    } catch (error) {
      this.#report(error, this.#request)
    }
    if (this.#webSocketTrace) endWebSocketTrace(this.#webSocketTrace, failure)
    this.#releaseRequestBody()
    this.#finish()
  }

  #open(answer: Response): ResponseSink {
    const { response, raw } = this
    const isWhole = !answer.isStreamed && answer.flatTrailers === undefined && answer !== this.#committed
    const length = isWhole ? Buffer.byteLength(answer.body as string | Uint8Array) : answer.streamLength
    sendHead(response, answer, length)
    return new ResponseSink(response, {
      clock: this.#owner.app.clock,
      length,
      writeTimeout: this.#owner.writeTimeout,
      discards: raw.method === 'HEAD',
    })
  }

  #decideConnection(): void {
    const { fields, response, connection } = this
    const isEnding = this.#owner.isStopping || connection.isRefusing
    if (isEnding && !connection.hasWaiting) response.shouldKeepAlive = false
    // Node's parser loses what follows an Upgrade within one packet, even where nobody upgrades.
    if (fields.hasUpgrade) response.shouldKeepAlive = false
  }

  #discardRequestBody(): void {
    this.#releaseRequestBody()
    if (!this.raw.complete && this.fields.hasBody && !this.connection.isBroken)
      discardUnreadBody(this, this.connection.limits, this.#owner.app.clock)
  }

  #releaseRequestBody(): void {
    const removal = this.#request && releaseBody(this.#request, this.#work ?? [])
    if (removal) this.waitUntil(removal)
  }

  /** The answer is written; has it left? */
  #leave(): void {
    const { response, connection } = this
    if (!response.shouldKeepAlive) connection.refuseRest()
    if (hasLeft(response)) return this.#finish()
    let timer: Timer | undefined
    let isOver = false
    response.once('close', () => {
      isOver = true
      timer?.clear()
      this.#finish()
    })
    // One tick later the other end of a connection in memory has taken it, as nearly always.
    nextTick(() => {
      if (isOver || hasLeft(response)) return
      const { app, writeTimeout } = this.#owner
      timer = app.clock.setTimer(() => response.destroy(), writeTimeout)
    })
  }

  /**
   * Closes what layers have let out and nobody sends. While a stream is the answer it may be made of one of these: then
   * only when it is over.
   */
  #discardUnsent(answer: Response | undefined): void {
    if (this.#streams) for (const other of this.#streams) if (other !== answer) other.discard()
    this.#streams = undefined
    answer?.discardReplaced()
  }

  #finish(): void {
    if (!this.response.shouldKeepAlive) this.connection.refuseRest()
    this.#discardUnsent(this.#answered)
    const { accessLog, app } = this.#owner
    const answer = this.#committed ?? this.#answered
    if (accessLog) logAccess(accessLog, this.#outcome(answer))
    if (this.#trace) endTrace(this.#trace, answer)
    app.observer?.finished(this.#request!, answer)
    const hooks = finishHooksOf(this.#request!)
    if (hooks) this.#runFinishHooks(hooks)
    this.connection.finish()
    this.#owner.finished(this)
  }

  #runFinishHooks(hooks: readonly (() => void)[]): void {
    for (const hook of hooks) {
      try {
        hook()
      } catch (error) {
        this.#report(error, this.#request, 'A hook on the end of a request failed')
      }
    }
  }

  #outcome(answer: Response | undefined): ExchangeOutcome {
    const { raw, response } = this
    return {
      raw,
      target: response,
      request: this.#request!,
      answer,
      sink: this.#sink,
      startedAt: this.#startedAt,
    }
  }

  #report(err: unknown, request: Request | undefined, message = 'A response could not be sent'): void {
    this.#owner.app.observer?.failed?.(this.#request!, err)
    try {
      this.#owner.app.logger.error({ method: request?.method, path: request?.rawPath, err }, message)
    } catch {
      // A logger that fails must not take the answer with it.
    }
  }
}

function isSentInPieces(answer: Response): boolean {
  if (answer.isStreamed) return answer.body !== null // a StreamResponse that was never prepared has none
  const body = answer.body as string | Uint8Array | null
  return body !== null && (body.length > LARGE || answer.flatTrailers !== undefined)
}

/** Whether the onion has unwound. */
function isAnswered(request: Request): boolean {
  const depth = enterLayer(request, ANSWERED)
  enterLayer(request, depth)
  return depth === ANSWERED
}

/** Whether the system has taken all bytes. If not, handlers wait, or answers pile up that nobody reads (P4). */
function hasLeft({ socket }: ServerResponse): boolean {
  return socket !== null && socket.writableLength === 0
}

function reused(): UsageError {
  return new UsageError(
    'ERR_RESPONSE_REUSED',
    'Cannot send a response twice: it has answered another request',
  )
}
