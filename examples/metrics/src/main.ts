import { runApp } from '@allium/core'

import { AppMetrics } from './app-metrics.ts'
import { createApp } from './app.ts'

const metrics = new AppMetrics()
const app = createApp(metrics)
await runApp(app, {
  host: '127.0.0.1',
  port: 8080,
  accessLog: metrics.record,
  onListening: runner => metrics.watch(app, runner),
})
