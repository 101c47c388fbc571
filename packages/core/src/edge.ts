import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import type { AccessLog } from './access-log.ts'
import type { IsAllowedHost } from './allowed-hosts.ts'
import { announcesBody, ClientGoneError } from './body.ts'
import { refusalStatus, whyBroken } from './client-error.ts'
import { Connection } from './connection.ts'
import type { ConnectionLimits } from './connection.ts'
import { destroySoon } from './destroy-soon.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeOwner, ServedApplication } from './exchange.ts'
import { headRefusal } from './head-refusal.ts'
import { HttpMisdirectedRequest, HttpNotImplemented } from './http-error.ts'
import type { HttpError } from './http-error.ts'
import { isInstance } from './is-instance.ts'
import type { LogLevel } from './logger.ts'
import { asksForUpgrade, isAnswering, PendingUpgrade } from './pending-upgrade.ts'
import type { Request } from './request.ts'
import { RequestAborted } from './request-aborted.ts'
import type { RequestTarget } from './request-target.ts'
import type { RunnerCounts } from './runner-counts.ts'
import { AllTemporaryFiles } from './temporary-files.ts'
import type { LeftFile } from './temporary-files.ts'

// On the socket itself: a look-up in a map would cost more than all the rest of receiving a request.
const CONNECTION = Symbol('allium connection')

type ConnectedSocket = Duplex & { [CONNECTION]?: Connection }

/** What the edge bounds; see the options of the runner. */
export interface EdgeLimits extends ConnectionLimits {
  readonly maxHeadersCount: number
  readonly maxConnections: number
  readonly writeTimeout: number
}

const IDLE_GRACE = 200

/**
 * Where `node:http` ends and Allium begins: turns its events into requests for the application and the responses
 * into bytes, and puts right what Node leaves to chance.
 */
export class Edge implements ExchangeOwner {
  readonly app: ServedApplication
  readonly writeTimeout: number
  readonly accessLog: AccessLog | undefined
  readonly temporaryFiles: AllTemporaryFiles = new AllTemporaryFiles(() => this.app.observer !== undefined)
  readonly #limits: EdgeLimits
  readonly #isAllowedHost: IsAllowedHost | undefined
  readonly #connections = new Set<Connection>()
  #inProgress = 0
  #leftFiles: readonly LeftFile[] = []
  #isStopping = false
  #idleGrace = IDLE_GRACE
  #isFull = false
  #requests = 0
  #refused = 0
  #aborted = 0
  #dropped = 0
  #onQuiet: (() => void) | undefined
  #held: Exchange[] | undefined

  constructor(
    app: ServedApplication,
    limits: EdgeLimits,
    isAllowedHost: IsAllowedHost | undefined,
    accessLog: AccessLog | undefined,
  ) {
    this.app = app
    this.accessLog = accessLog
    this.writeTimeout = limits.writeTimeout
    this.#limits = limits
    this.#isAllowedHost = isAllowedHost
  }

  /** The files of requests that were not done when it was destroyed; they are removed. */
  get leftFiles(): readonly LeftFile[] {
    return this.#leftFiles
  }

  get counts(): RunnerCounts {
    return {
      openConnections: this.#connections.size,
      requests: this.#requests,
      refused: this.#refused,
      aborted: this.#aborted,
      dropped: this.#dropped,
    }
  }

  /** Whether every answer is the last one on its connection. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  /**
   * From now on every answer is the last one on its connection. Connections that are idle get a short moment, for
   * a request that is on its way already, and are then closed by FIN. New requests are held until {@link Edge.release}: a
   * client that has its answer comes back at once, and while listeners are closing there would be no end to it.
   *
   * @param idleGrace how long that moment is, in milliseconds
   */
  stop(idleGrace: number = IDLE_GRACE): void {
    this.#isStopping = true
    this.#held = []
    this.#idleGrace = idleGrace
    for (const connection of this.#connections) {
      connection.abort(new RequestAborted('shutdown'))
      this.app.clock.setTimer(() => closeIfIdle(connection), idleGrace)
    }
  }

  /** Nobody listens any more: answers whoever was held. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const exchange of held) exchange.start()
  }

  /** Whether the exchange is kept for later. */
  hold(exchange: Exchange): boolean {
    return this.#held !== undefined && this.#held.push(exchange) > 0
  }

  /** Settles when no connection is open and no request in progress. */
  quiet(): Promise<void> {
    return new Promise(resolve => {
      this.#onQuiet = resolve
      this.#notifyWhenQuiet()
    })
  }

  /**
   * Cuts every connection.
   *
   * @returns settles when the files of the requests that were not done are gone (P25)
   */
  async destroy(): Promise<void> {
    this.#leftFiles = this.temporaryFiles.left
    for (const { socket } of this.#connections) socket.destroy()
    await Promise.allSettled(Array.from(this.temporaryFiles, files => files.remove()))
  }

  /** A socket was opened. */
  open(socket: Duplex): void {
    if (this.#connections.size >= this.#limits.maxConnections) return this.#drop(socket)
    const connection = new Connection(socket, this.#limits, this.app.proxyTrust)
    this.#connections.add(connection)
    ;(socket as ConnectedSocket)[CONNECTION] = connection
    socket.on('close', () => {
      this.#connections.delete(connection)
      if (this.#connections.size < this.#limits.maxConnections * 0.9) this.#isFull = false
      this.#aborted += connection.close()
      this.#notifyWhenQuiet()
    })
    if (this.#isStopping) this.app.clock.setTimer(() => closeIfIdle(connection), this.#idleGrace)
  }

  /** A request has arrived, at least its head. */
  receive(raw: IncomingMessage, response: ServerResponse): void {
    const connection = (raw.socket as ConnectedSocket)[CONNECTION]
    if (connection) connection.accept(new Exchange(raw, response, connection, this))
  }

  /** A request has arrived whose connection may change its protocol: its answer is the last one there in any case. */
  receiveUpgrade(raw: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = (socket as ConnectedSocket)[CONNECTION]
    if (!connection || connection.isRefusing) return void socket.destroy()
    const pending = new PendingUpgrade(raw, socket, head)
    const isWanted = asksForUpgrade(raw)
    connection.accept(new Exchange(raw, pending.response, connection, this, isWanted ? pending : undefined))
  }

  /** A request has arrived over a connection that somebody else has accepted. */
  adopt(raw: IncomingMessage, response: ServerResponse): void {
    if (!(raw.socket as ConnectedSocket)[CONNECTION]) this.open(raw.socket)
    this.receive(raw, response)
  }

  /** As {@link receiveUpgrade}, over a connection that somebody else has accepted: it may be an upgrade to anything. */
  adoptUpgrade(raw: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (announcesBody(raw) || isAnswering(socket)) return endWith(socket, '400 Bad Request') // Node has let go of the body
    if (!(socket as ConnectedSocket)[CONNECTION]) this.open(socket)
    this.receiveUpgrade(raw, socket, head)
  }

  /** An answer is begun. */
  started(): void {
    this.#inProgress++
    this.#requests++
  }

  /** `CONNECT` asks for a tunnel, and comes without a response object: nothing is tunnelled here. */
  refuseTunnel(socket: Duplex): void {
    socket.on('error', () => {}) // Node has taken its own listener away: a reset would end the process
    socket.resume()
    this.#countRefusal(socket, 'CONNECT')
    if ((socket as ConnectedSocket)[CONNECTION]?.breakOff(new HttpNotImplemented())) return
    endWith(socket, '501 Not Implemented')
  }

  /** The bytes are not HTTP, too many, or too slow. */
  refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = (socket as ConnectedSocket)[CONNECTION]
    if (!connection || error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const refusal = whyBroken(error)
    if (isInstance(refusal, ClientGoneError)) this.#aborted += connection.close()
    else if (!connection.isRefusing) this.#countRefusal(socket, error.code)
    if (!connection.breakOff(refusal)) endWith(socket, refusalStatus(error))
  }

  /** Why the application will not route the request, if so. */
  refusalOf(exchange: Exchange, request: Request, target: RequestTarget | string): HttpError | undefined {
    if (exchange.fields.isChunked) this.#boundTrailers(exchange.raw)
    const refusal = headRefusal(exchange, target, this.#limits.maxHeadersCount) ?? this.#hostRefusal(request)
    if (refusal) this.#refused++
    return refusal
  }

  #hostRefusal(request: Request): HttpError | undefined {
    return this.#isAllowedHost?.(request.host) === false ? new HttpMisdirectedRequest() : undefined
  }

  /** An answer is complete, or will never be. */
  finished({ connection }: Exchange): void {
    this.#inProgress--
    if (connection.isRefusing) closeIfIdle(connection)
    else if (this.#isStopping) this.app.clock.setTimer(() => closeIfIdle(connection), this.#idleGrace)
    this.#notifyWhenQuiet()
  }

  /** Something goes on after its answer: stopping waits for it. */
  waitFor(work: Promise<unknown>): void {
    this.#inProgress++
    void work.then(() => {
      this.#inProgress--
      this.#notifyWhenQuiet()
    })
  }

  #drop(socket: Duplex): void {
    this.#dropped++
    socket.destroy()
    if (this.#isFull) return // one line each time that it fills up, however many come
    this.#isFull = true
    const { maxConnections } = this.#limits
    this.#log('warn', { maxConnections }, 'Connections are refused: as many are open as are allowed')
  }

  #countRefusal(socket: Duplex, code: string | undefined): void {
    this.#refused++
    const remote = (socket as Socket).remoteAddress
    this.#log('debug', { remote, code }, 'A connection was refused: nothing to serve has arrived')
  }

  #log(level: LogLevel, fields: object, message: string): void {
    try {
      this.app.logger[level](fields, message)
    } catch {
      // A logger that fails must not take the server with it.
    }
  }

  /** Trailers count like header fields (P2); they come when it is too late for an answer. */
  #boundTrailers(raw: IncomingMessage): void {
    raw.once('end', () => {
      if (raw.rawTrailers.length > 2 * this.#limits.maxHeadersCount) raw.socket.destroy()
    })
  }

  #notifyWhenQuiet(): void {
    if (this.#onQuiet && this.#inProgress === 0 && this.#connections.size === 0) this.#onQuiet()
  }
}

function closeIfIdle({ isBusy, socket }: Connection): void {
  if (!isBusy) destroySoon(socket)
}

function endWith(socket: Duplex, status: string): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
  destroySoon(socket)
}
