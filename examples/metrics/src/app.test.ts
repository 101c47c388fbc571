import { AppRunner, createLogger } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

import { AppMetrics } from './app-metrics.ts'
import { createApp } from './app.ts'

async function service(t: Test) {
  const metrics = new AppMetrics()
  const app = createApp(metrics)
  const client = await testClient(t, app, { runner: { accessLog: metrics.record } })
  return { client, text: async () => (await client.get('/metrics')).text() }
}

t.test('requests are counted by the pattern of their route', async t => {
  const { client, text } = await service(t)

  for (const path of ['/users/1', '/users/2', '/users/0', '/nowhere/1', '/nowhere/2']) await client.get(path)
  const metrics = await text()

  t.match(metrics, 'http_request_duration_seconds_count{method="GET",route="/users/:id",status="200"} 2\n')
  t.match(metrics, 'http_request_duration_seconds_count{method="GET",route="/users/:id",status="404"} 1\n')
  t.match(metrics, 'http_request_duration_seconds_count{method="GET",route="none",status="404"} 2\n')
  t.notMatch(metrics, '/users/1')
})

t.test('the answer is in the format that Prometheus reads', async t => {
  const { client } = await service(t)

  const response = await client.get('/metrics')

  t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  const lines = (await response.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  for (const line of lines) t.match(line, /^[a-z_]\w*(\{.*\})? [-+]?(\d[\d.e+-]*|Inf|NaN)$/i)
})

t.test('connections and background tasks are counted where they are', async t => {
  const metrics = new AppMetrics()
  const app = createApp(
    metrics,
    createLogger('error', () => {}),
  )
  await using runner = new AppRunner(app, { accessLog: metrics.record })
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })
  metrics.watch(app, runner)

  await (await fetch(`${url}/mails`, { method: 'POST' })).text()
  const text = await (await fetch(`${url}/metrics`)).text()

  t.match(text, /^http_connections_open [12]$/m)
  t.match(text, /^tasks_failed 1$/m)
  t.match(text, /^tasks_running 0$/m)
})
