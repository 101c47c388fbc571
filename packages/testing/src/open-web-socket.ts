import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

import type * as WsModule from 'ws'
import type { ClientOptions, WebSocket } from 'ws'

import type { CallWatch } from './call-watch.ts'
import { timeoutError } from './deadline.ts'
import { ReceivedBody } from './received-body.ts'
import type { PreparedRequest, RequestTarget, RouteTarget, TestRequestInit } from './request-init.ts'
import { TestResponse } from './test-response.ts'
import { TestWebSocket } from './test-web-socket.ts'
import { WebSocketRefused } from './web-socket-refused.ts'

/** What a WebSocket can be given besides its path. */
export interface WebSocketInit extends Pick<TestRequestInit, 'query' | 'headers' | 'signal' | 'timeout'> {
  /** The subprotocols that the test speaks, the best one first. */
  readonly protocols?: readonly string[] | undefined
  /** Whether to offer compression (RFC 7692); default `false`. */
  readonly compress?: boolean | undefined
  /** The largest message that is taken, in bytes, else 1009; default 100 MiB. */
  readonly maxPayload?: number | undefined
}

/** What follows the target: `params` are required where the route has some. */
export type WebSocketArguments<Target extends RequestTarget> = Target extends RouteTarget
  ? undefined extends Parameters<Target['url']>[0]
    ? [
        init?:
          | (WebSocketInit & {
              /** Values of the params of the route. */
              readonly params?: Parameters<Target['url']>[0]
            })
          | undefined,
      ]
    : [
        init: WebSocketInit & {
          /** A value for each param of the route. */
          readonly params: Parameters<Target['url']>[0]
        },
      ]
  : [init?: WebSocketInit | undefined]

/** How it is opened. */
export interface OpenOptions extends Omit<WebSocketInit, 'query' | 'headers'> {
  /** Scheme and authority as the client has them. */
  readonly origin: string
  readonly connect: () => Duplex
  readonly watch: CallWatch
  readonly timeout: number
  /** Is told of the head that has answered, 101 or not. */
  readonly onHead: (rawHeaders: readonly string[]) => void
}

const DEFAULT_MAX_PAYLOAD = 100 * 1024 * 1024

/**
 * Opens a WebSocket.
 *
 * @throws WebSocketRefused with the response when there is no 101
 * @throws Error when the package `ws` is not installed, the handshake fails or takes longer than the timeout
 */
export async function openWebSocket(request: PreparedRequest, options: OpenOptions): Promise<TestWebSocket> {
  const { origin, watch, timeout, signal } = options
  const name = `${origin}${request.path}`
  const { WebSocket } = await importWs()
  signal?.throwIfAborted()
  const wire = new WebSocket(
    name.replace(/^http/, 'ws'),
    [...(options.protocols ?? [])],
    clientOptions(request, options),
  )
  const opened = new TestWebSocket({ wire, watch, timeout, name: request.path })
  const call = {
    deadline: watch.now() + timeout,
    onLate: () => fail(timeoutError(`GET ${request.path} failed: no WebSocket within ${timeout} ms`)),
  }
  let failure: Error | undefined
  const fail = (error: Error) => {
    failure = error
    wire.terminate()
  }
  const abort = () => fail(signal?.reason as Error)
  watch.add(call)
  signal?.addEventListener('abort', abort)
  wire.on('close', () => signal?.removeEventListener('abort', abort))
  try {
    await handshake(wire, request, options)
  } catch (error) {
    throw failure ?? error
  } finally {
    watch.remove(call)
  }
  return opened
}

function clientOptions({ headers }: PreparedRequest, options: OpenOptions): ClientOptions {
  return {
    headers: Object.fromEntries(headers) as Record<string, string>, // lists of values, too, are Node's own
    createConnection: options.connect as unknown as ClientOptions['createConnection'] & {},
    perMessageDeflate: options.compress ?? false,
    maxPayload: options.maxPayload ?? DEFAULT_MAX_PAYLOAD,
    followRedirects: false,
  }
}

function handshake(wire: WebSocket, { path }: PreparedRequest, options: OpenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    wire.on('upgrade', response => options.onHead(response.rawHeaders))
    wire.on('unexpected-response', (_, response) => {
      options.onHead(response.rawHeaders)
      const refusal = toTestResponse(response, path, options)
      const message = `GET ${path} failed: the WebSocket was refused with ${refusal.status} ${refusal.statusText}`
      reject(new WebSocketRefused(message, refusal))
    })
    wire.on('error', cause => {
      const { code } = cause as NodeJS.ErrnoException
      reject(Object.assign(new Error(`GET ${path} failed: ${cause.message}`, { cause }), { code }))
    })
    wire.on('open', resolve)
  })
}

function toTestResponse(raw: IncomingMessage, path: string, options: OpenOptions): TestResponse {
  const body = new ReceivedBody({
    pause: () => raw.pause(),
    resume: () => raw.resume(),
    cut: () => raw.destroy(),
  })
  raw.on('data', (bytes: Buffer) => body.push(bytes))
  raw.on('end', () => body.end(raw.rawTrailers))
  raw.on('error', error => body.fail(error))
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = raw
  const { origin, watch, timeout } = options
  return new TestResponse({
    head: { minorVersion: 1, status, statusText, rawHeaders, keepsAlive: false, length: 'until close' },
    ...{ body, watch, timeout, informational: [], upgraded: undefined, method: 'GET', url: origin + path },
    ...{ report: () => '', transcript: () => '' }, // the conversation is that of `ws`
  })
}

async function importWs(): Promise<typeof WsModule> {
  try {
    return await import('ws')
  } catch (cause) {
    throw new Error('Cannot open a WebSocket: install the package "ws", which the client speaks by', {
      cause,
    })
  }
}
