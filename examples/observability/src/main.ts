import { runApp } from '@allium/core'
import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'

import { createApp } from './app.ts'
import { ChannelContextManager } from './channel-context.ts'
import { recordTelemetry } from './telemetry.ts'

const contexts = new ChannelContextManager()
const spans = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new ConsoleSpanExporter())] })
const meters = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter() })],
})
context.setGlobalContextManager(contexts)
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(spans)
metrics.setGlobalMeterProvider(meters)
recordTelemetry(contexts)

const logger = pino()
await runApp(() => createApp(logger), {
  host: '127.0.0.1',
  port: 8080,
  accessLog: ({ requestHeader: _requestHeader, responseHeader: _responseHeader, ...entry }) =>
    logger.info(entry, 'request'),
})
await Promise.all([spans.shutdown(), meters.shutdown()])
