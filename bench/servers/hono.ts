import { serve } from '@hono/node-server'
import { Hono } from 'hono'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT, scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Record<ScenarioName, (app: Hono) => void>> = {
  hello: app => app.get('/', context => context.text(scenarios.hello.answer.body)),
  json: app => app.post('/echo', async context => context.json(await context.req.json<unknown>())),
  params: addApi,
}

const app = new Hono()
builders[requestedScenario()](app)
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => reportListening(port))

function addApi(api: Hono): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.use(async (_context, next) => next())
  for (const { method, path, label } of apiRoutes) {
    api.on(method, path, context => context.text(`${label} ${context.req.param('id')}`))
  }
}
