import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

import * as ws from 'ws'

import type { DeflateOptions, WebSocketLimits } from './websocket-options.ts'

/** What a WebSocket of the library's tells of itself. */
export interface WebSocketListener {
  onMessage(data: Buffer, isBinary: boolean): void
  onPing(data: Buffer): void
  onPong(): void
  onError(error: Error): void
  onClose(code: number, reason: Buffer): void
}

/** A WebSocket of the library's. */
export class RawWebSocket extends ws.WebSocket {
  listener: WebSocketListener | undefined

  /** Has somebody hear of everything. All WebSockets share the functions for it: there may be many of them, mostly idle. */
  listen(listener: WebSocketListener): void {
    this.listener = listener
    this.on('message', onMessage)
      .on('ping', onPing)
      .on('pong', onPong)
      .on('error', onError)
      .on('close', onClose)
  }
}

/** What a handshake has agreed on. */
export interface Opening {
  readonly socket: Duplex
  readonly head: Buffer
  readonly key: string
  /** The `Sec-WebSocket-Extensions` of the client, as far as they are spoken here. */
  readonly extensions: string | undefined
  /** Whole header lines for the 101. */
  readonly lines: readonly string[]
}

/** Extensions with their parameters, as the library parses them. */
type Offers = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

/** What the library exports, and its types do not list. */
interface WsParsers {
  readonly extension: { parse(header: string): Offers }
  readonly subprotocol: { parse(header: string): Set<string> }
  readonly PerMessageDeflate: new (options: object) => { accept(offers: object): unknown }
}

const { extension, subprotocol, PerMessageDeflate } = ws as unknown as WsParsers
const DEFLATE = 'permessage-deflate'
/** The largest number that the library takes for a size; 0 stands for no limit. */
const LARGEST = 2 ** 31 - 1

/** Opens WebSockets with the library `ws`: the only importer of it. */
export class WsServer {
  readonly #server: ws.Server<typeof RawWebSocket>
  readonly #deflate: ws.PerMessageDeflateOptions | undefined

  constructor(limits: WebSocketLimits, deflate: DeflateOptions | undefined) {
    this.#deflate = deflate && toDeflate(deflate)
    const options = {
      WebSocket: RawWebSocket,
      noServer: true,
      clientTracking: false,
      autoPong: false,
      perMessageDeflate: this.#deflate ?? false,
      maxPayload: toLibrarySize(limits.maxMessageSize),
      maxFragments: toLibrarySize(limits.maxFragments),
      maxBufferedChunks: toLibrarySize(limits.maxFragments),
      closeTimeout: limits.closeTimeout === Infinity ? LARGEST : limits.closeTimeout,
    }
    this.#server = new ws.WebSocketServer(options)
    this.#server.on('headers', (lines, request) => {
      lines.push(...(request as IncomingMessage & { lines: readonly string[] }).lines) // see open()
    })
  }

  /**
   * What of the client's extensions can be spoken: nothing where its parameters are not acceptable.
   *
   * @throws SyntaxError for a header that is none (RFC 6455 §9.1)
   */
  acceptable(header: string | null): string | undefined {
    if (header === null) return undefined
    const offers = extension.parse(header)[DEFLATE]
    if (!this.#deflate || !offers) return undefined
    try {
      new PerMessageDeflate({ ...this.#deflate, isServer: true }).accept(structuredClone(offers))
      return header
    } catch (error) {
      if (error instanceof TypeError) throw error // parameters that are not of the extension
      return undefined
    }
  }

  /**
   * Writes the 101. The socket is paused still.
   *
   * @returns `undefined` when the client has gone
   */
  open({ socket, head, key, extensions, lines }: Opening): RawWebSocket | undefined {
    let opened: RawWebSocket | undefined
    const headers = {
      upgrade: 'websocket',
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
      'sec-websocket-extensions': extensions,
    }
    // All that the library looks at: what it would refuse was refused before, in an ordinary answer.
    const request = { method: 'GET', url: '/', headers, lines } as unknown as IncomingMessage
    this.#server.handleUpgrade(request, socket, head, webSocket => (opened = webSocket))
    return opened
  }
}

/**
 * The sub-protocols that a client offers, in its order.
 *
 * @throws SyntaxError for a header that is none
 */
export function parseProtocols(header: string): Set<string> {
  return subprotocol.parse(header)
}

/** A size as the library takes it. */
export function toLibrarySize(bytes: number): number {
  return bytes === Infinity ? 0 : Math.min(Math.floor(bytes), LARGEST)
}

function toDeflate(options: DeflateOptions): ws.PerMessageDeflateOptions {
  const { level = 1, memLevel = 8 } = options
  return {
    threshold: options.threshold ?? 1024,
    concurrencyLimit: options.concurrency ?? 10,
    zlibDeflateOptions: { level, memLevel },
    // Left open where it is allowed: the client may still ask for none.
    ...(!options.serverContextTakeover && { serverNoContextTakeover: true }),
    ...(!options.clientContextTakeover && { clientNoContextTakeover: true }),
    ...(options.serverMaxWindowBits && { serverMaxWindowBits: options.serverMaxWindowBits }),
    ...(options.clientMaxWindowBits && { clientMaxWindowBits: options.clientMaxWindowBits }),
  }
}

function onMessage(this: ws.WebSocket, data: ws.RawData, isBinary: boolean): void {
  listenerOf(this)?.onMessage(data as Buffer, isBinary) // its type for servers
}

function onPing(this: ws.WebSocket, data: Buffer): void {
  listenerOf(this)?.onPing(data)
}

function onPong(this: ws.WebSocket): void {
  listenerOf(this)?.onPong()
}

function onError(this: ws.WebSocket, error: Error): void {
  listenerOf(this)?.onError(error)
}

function onClose(this: ws.WebSocket, code: number, reason: Buffer): void {
  listenerOf(this)?.onClose(code, reason)
}

function listenerOf(webSocket: ws.WebSocket): WebSocketListener | undefined {
  return (webSocket as RawWebSocket).listener // the server makes no others
}
