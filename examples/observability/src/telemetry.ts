import { tracing } from '@allium/core'
import type { LayerTrace, Request, RequestTrace, TaskTrace, WebSocketTrace } from '@allium/core'
import { metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, Span } from '@opentelemetry/api'

import type { ChannelContextManager } from './channel-context.ts'
import { answerAttributes, requestAttributes } from './http-attributes.ts'

/** Buckets of the duration, in seconds, as the conventions advise. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/**
 * Spans and metrics by OpenTelemetry's conventions for HTTP servers, out of Allium's tracing channels: nothing is
 * patched. To be called before the application starts.
 *
 * @returns ends it
 */
export function recordTelemetry(contexts: ChannelContextManager): () => void {
  const ends = [recordRequests(contexts), recordLayers(contexts), recordTasks(contexts), recordWebSockets()]
  return () => {
    for (const end of ends) end()
  }
}

/** A span for each request, inside that of the caller, and how long it took. */
function recordRequests(contexts: ChannelContextManager): () => void {
  const durations = metrics.getMeter('allium').createHistogram('http.server.request.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: BUCKETS },
  })
  const begun = new WeakMap<Request, { span: Span; at: number }>()

  function begin({ request }: RequestTrace) {
    const attributes = requestAttributes(request)
    const parent = propagation.extract(contexts.active(), request.raw.headers)
    const span = tracer().startSpan(nameOf(attributes), { kind: SpanKind.SERVER, attributes }, parent)
    begun.set(request, { span, at: performance.now() })
    return trace.setSpan(parent, span)
  }

  function finish({ request, response, error }: RequestTrace) {
    const found = begun.get(request)
    if (!found) return // it had begun before there was anybody to tell
    const asked = requestAttributes(request)
    const answered = answerAttributes(request, response, error)
    const { span, at } = found
    span.updateName(nameOf({ ...asked, ...answered })).setAttributes(answered)
    if (answered['error.type'] !== undefined) fail(span, error)
    span.end()
    durations.record((performance.now() - at) / 1000, { ...ofMetrics(asked), ...answered })
  }

  tracing.request.start.bindStore(contexts.store, begin)
  return subscribed(tracing.request.asyncEnd, finish, () => tracing.request.start.unbindStore(contexts.store))
}

/** A span for each middleware and handler. */
function recordLayers({ store }: ChannelContextManager): () => void {
  const spans = new WeakMap<LayerTrace, Span>()
  tracing.layer.start.bindStore(store, message => {
    const span = tracer().startSpan(`${message.kind} ${message.name}`)
    spans.set(message, span)
    return trace.setSpan(store.getStore()!, span)
  })
  const finish = (message: LayerTrace) => endSpan(spans.get(message), message.error)
  return subscribed(tracing.layer.asyncEnd, finish, () => tracing.layer.start.unbindStore(store))
}

/** A span for each background task, inside that of the request which has spawned it. */
function recordTasks(contexts: ChannelContextManager): () => void {
  const spans = new WeakMap<TaskTrace, Span>()
  tracing.task.start.bindStore(contexts.store, message => {
    const span = tracer().startSpan(`task ${message.name}`)
    spans.set(message, span)
    return trace.setSpan(contexts.active(), span)
  })
  const finish = (message: TaskTrace) => endSpan(spans.get(message), message.error)
  return subscribed(tracing.task.asyncEnd, finish, () => tracing.task.start.unbindStore(contexts.store))
}

/** A span for the time in which a WebSocket was open. */
function recordWebSockets(): () => void {
  const spans = new WeakMap<WebSocketTrace, Span>()
  const begin = (message: WebSocketTrace) => {
    spans.set(message, tracer().startSpan(`websocket ${message.request.route?.path}`))
  }
  const finish = (message: WebSocketTrace) => endSpan(spans.get(message), message.error)
  return subscribed(tracing.webSocket.asyncEnd, finish, subscribed(tracing.webSocket.start, begin))
}

function tracer() {
  return trace.getTracer('allium')
}

function nameOf(attributes: Attributes): string {
  const { 'http.request.method': method, 'http.route': route } = attributes
  return `${method === '_OTHER' ? 'HTTP' : String(method)}${route === undefined ? '' : ` ${String(route)}`}`
}

/** What is kept of a request in metrics: nothing that a client can make endlessly many of. */
function ofMetrics(attributes: Attributes): Attributes {
  const names = ['http.request.method', 'url.scheme', 'network.protocol.version']
  return Object.fromEntries(names.map(name => [name, attributes[name]]))
}

function endSpan(span: Span | undefined, error: unknown): void {
  if (error !== undefined && span) fail(span, error)
  span?.end()
}

function fail(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR })
  if (error instanceof Error) span.recordException(error)
}

/** What a channel publishes has the type that its tracing channel names; a single channel does not know it. */
function subscribed<Message>(
  channel: {
    subscribe(fn: (message: unknown) => void): void
    unsubscribe(fn: (message: unknown) => void): void
  },
  listener: (message: Message) => void,
  end: () => void = () => {},
): () => void {
  const listen = listener as (message: unknown) => void
  channel.subscribe(listen)
  return () => {
    channel.unsubscribe(listen)
    end()
  }
}
