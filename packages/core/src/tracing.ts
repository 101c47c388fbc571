import { tracingChannel } from 'node:diagnostics_channel'
import type { TracingChannel } from 'node:diagnostics_channel'

import type { RequestRoute } from './request-app.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'
import { taskChannel } from './task-trace.ts'
import type { TaskTrace } from './task-trace.ts'

/** What `tracing:allium.request:…` events carry; one object for all events of a request. */
export interface RequestTrace {
  /** The request; its `route` is known once the application has matched it. */
  readonly request: Request
  /** The answer, from `asyncEnd` on; missing when the client left before there was one. */
  response?: Response | undefined
  /** What the answer renders, in `error`. */
  error?: unknown
}

/** What `tracing:allium.route:…` events carry; one object for all events of one run. */
export interface RouteTrace {
  /** The request. */
  readonly request: Request
  /** What it matched: its `path` is the pattern, `/users/:id`, as metrics and spans are named. */
  readonly route: RequestRoute
  /** What came out of the onion, from `asyncEnd` on: errors have become answers by then. */
  result?: unknown
}

/** What `tracing:allium.websocket:…` events carry; one object for all events of a connection. */
export interface WebSocketTrace {
  /** The request that began it. */
  readonly request: Request
  /** What holds the connection: a `WebSocketResponse`, which knows its close code at the end. */
  readonly response: Response
  /** What the handler threw, in `error`. */
  error?: unknown
}

/** What `tracing:allium.layer:…` events carry; one object for all events of one run of a layer. */
export interface LayerTrace {
  /** The request. */
  readonly request: Request
  /** `middleware` or `handler`. */
  readonly kind: 'middleware' | 'handler'
  /** The function's name, `anonymous` without one. */
  readonly name: string
  /** What the layer let out: its answer, or what it threw. */
  result?: unknown
  /** What it threw, in `error`. */
  error?: unknown
}

/**
 * The channels of `node:diagnostics_channel` on which Allium tells what it does. Each is a tracing channel: `start`
 * binds stores, so that an `AsyncLocalStorage` follows the work; `asyncEnd` comes when it is over, `error` before that
 * when it failed. Without subscribers they cost a comparison; those of routes and layers
 * are looked at once, at startup: subscribe before.
 *
 * @example
 * ```ts
 * import { Application, text, tracing } from '@allium/core'
 * import type { RequestTrace } from '@allium/core'
 *
 * tracing.request.subscribe({
 *   start() {},
 *   end() {},
 *   asyncStart() {},
 *   asyncEnd(message) {
 *     const { request, response } = message as RequestTrace
 *     console.log(request.method, request.route?.path, response?.status)
 *   },
 *   error() {},
 * })
 * const app = new Application()
 * app.get('/', () => text('hello'))
 * ```
 */
export const tracing: Readonly<{
  /** `allium.request`: from the arrival of a request until its answer has left. */
  request: TracingChannel<unknown, RequestTrace>
  /** `allium.route`: from the moment a route has matched until its onion has answered. Not for a 404 or 405. */
  route: TracingChannel<unknown, RouteTrace>
  /** `allium.websocket`: from the moment a connection was taken over until it is closed. Binds no stores. */
  webSocket: TracingChannel<unknown, WebSocketTrace>
  /** `allium.layer`: one middleware, or the handler. */
  layer: TracingChannel<unknown, LayerTrace>
  /** `allium.task`: a background task. */
  task: TracingChannel<unknown, TaskTrace>
}> = Object.freeze({
  request: tracingChannel<unknown, RequestTrace>('allium.request'),
  route: tracingChannel<unknown, RouteTrace>('allium.route'),
  webSocket: tracingChannel<unknown, WebSocketTrace>('allium.websocket'),
  layer: tracingChannel<unknown, LayerTrace>('allium.layer'),
  task: taskChannel,
})

/** Tells that a connection was taken over; without subscribers there is nothing to end. */
export function beginWebSocketTrace(request: Request, response: Response): WebSocketTrace | undefined {
  if (!tracing.webSocket.hasSubscribers) return undefined
  const trace: WebSocketTrace = { request, response }
  tracing.webSocket.start.publish(trace)
  tracing.webSocket.end.publish(trace)
  return trace
}

/** Tells that it is closed. */
export function endWebSocketTrace(trace: WebSocketTrace, error: unknown): void {
  if (error !== undefined) {
    trace.error = error
    tracing.webSocket.error.publish(trace)
  }
  tracing.webSocket.asyncStart.publish(trace)
  tracing.webSocket.asyncEnd.publish(trace)
}
