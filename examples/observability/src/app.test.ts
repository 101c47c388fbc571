import { createLogger } from '@allium/core'
import { testClient } from '@allium/testing'
import { websocket } from '@allium/ws'
import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import t from 'tap'
import type { Test } from 'tap'

import { createApp } from './app.ts'
import { ChannelContextManager } from './channel-context.ts'
import { recordTelemetry } from './telemetry.ts'

const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }

/** The shop with a real OpenTelemetry SDK around it, whose exporters keep what they get. */
async function watchedShop(t: Test) {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 3_600_000,
  })
  const meters = new MeterProvider({ readers: [reader] })
  const contexts = new ChannelContextManager()
  context.setGlobalContextManager(contexts)
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  metrics.setGlobalMeterProvider(meters)
  const end = recordTelemetry(contexts)
  const app = createApp(createLogger('error', () => {}))
  t.teardown(async () => {
    end()
    await meters.shutdown()
    for (const api of [context, propagation, trace, metrics]) api.disable()
  })
  const measure = async () => {
    await meters.forceFlush()
    return metricExporter.getMetrics()[0]!.scopeMetrics[0]!.metrics
  }
  const start = async () => {
    const client = await testClient(t, app)
    client.allowLeaks({ timers: 'the exporters of OpenTelemetry outlive the application' })
    return client
  }
  return { app, start, spans: () => exporter.getFinishedSpans(), measure }
}

function named(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.find(span => span.name === name)
  if (!found) throw new Error(`There is no span "${name}" among ${spans.map(span => span.name).join(', ')}`)
  return found
}

t.test('a request is a span by the conventions, named after its route', async t => {
  const { start, spans } = await watchedShop(t)
  const client = await start()

  await client.get('/orders/7?coupon=x', { headers: { 'user-agent': 'tests' } })
  await client.close()

  const span = named(spans(), 'GET /orders/:id')
  t.equal(span.kind, SpanKind.SERVER)
  t.equal(span.status.code, SpanStatusCode.UNSET)
  t.match(span.attributes, {
    'http.request.method': 'GET',
    'http.route': '/orders/:id',
    'http.response.status_code': 200,
    'url.path': '/orders/7',
    'url.scheme': 'http',
    'network.protocol.version': '1.1',
    'user_agent.original': 'tests',
    'server.address': String,
    'server.port': Number,
    'client.address': String,
  })
})

t.test('it goes on with the trace of the caller, and middlewares and handlers are within it', async t => {
  const { start, spans } = await watchedShop(t)
  const client = await start()
  const { traceId, spanId } = CALLER

  const response = await client.get('/orders/7', { headers: { traceparent: `00-${traceId}-${spanId}-01` } })
  await client.close()

  const [request, middleware, handler] = [
    'GET /orders/:id',
    'middleware addTraceId',
    'handler showOrder',
  ].map(name => named(spans(), name)) as [ReadableSpan, ReadableSpan, ReadableSpan]
  t.equal(response.headers.get('x-trace-id'), traceId)
  t.equal(request.spanContext().traceId, traceId)
  t.equal(request.parentSpanContext?.spanId, spanId)
  t.equal(middleware.parentSpanContext?.spanId, request.spanContext().spanId)
  t.equal(handler.parentSpanContext?.spanId, middleware.spanContext().spanId)
})

t.test('requests at the same time do not share a context', async t => {
  const { start } = await watchedShop(t)
  const client = await start()

  const responses = await Promise.all(Array.from({ length: 20 }, () => client.get('/orders/7')))

  t.equal(new Set(responses.map(response => response.headers.get('x-trace-id'))).size, 20)
})

t.test('an error is told with its type; what the client did wrong is none', async t => {
  const { start, spans } = await watchedShop(t)
  const client = await start()

  await client.get('/broken')
  await client.get('/orders/0')
  await client.get('/nowhere')
  await client.close()

  const broken = named(spans(), 'GET /broken')
  t.match(broken, { status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'TypeError' } })
  t.match(broken.events, [{ name: 'exception', attributes: { 'exception.message': 'the price is missing' } }])
  const missing = spans().filter(span => span.attributes['http.response.status_code'] === 404)
  t.same(
    missing.filter(({ kind }) => kind === SpanKind.SERVER).map(({ name, status }) => [name, status.code]),
    [
      ['GET /orders/:id', SpanStatusCode.UNSET],
      ['GET', SpanStatusCode.UNSET],
    ],
  )
})

t.test('a background task is within the request that spawned it', async t => {
  const { start, spans } = await watchedShop(t)
  const client = await start()

  await client.post('/orders')
  await client.close()

  const request = named(spans(), 'POST /orders')
  const task = named(spans(), 'task send mail')
  t.equal(task.spanContext().traceId, request.spanContext().traceId)
  t.match(task.events, [{ name: 'sent' }])
})

t.test('a WebSocket is a span for as long as it is open', async t => {
  const { app, start, spans } = await watchedShop(t)
  app.get(
    '/live',
    websocket(async socket => {
      for await (const message of socket) await socket.send(message.text())
    }),
  )
  const client = await start()

  const socket = await client.ws('/live')
  await socket.send('hello')
  await socket.receiveText()
  t.notOk(spans().some(({ name }) => name === 'websocket /live'))
  await socket.close()
  await client.close()

  t.ok(named(spans(), 'websocket /live'))
  t.match(named(spans(), 'GET /live').attributes, { 'http.response.status_code': 101 })
})

t.test('durations are measured by route, in seconds', async t => {
  const { start, measure } = await watchedShop(t)
  const client = await start()

  await client.get('/orders/7')
  await client.get('/orders/8')
  await client.close()

  const [{ descriptor, dataPoints }] = (await measure()) as [Awaited<ReturnType<typeof measure>>[number]]
  t.match(descriptor, { name: 'http.server.request.duration', unit: 's' })
  t.match(dataPoints, [
    {
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/orders/:id',
        'http.response.status_code': 200,
      },
      value: { count: 2 },
    },
  ])
  t.equal(dataPoints.length, 1)
})
