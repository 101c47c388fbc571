import { setTimeout as delay } from 'node:timers/promises'

import { serve } from '@hono/node-server'
import { Hono } from 'hono'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT, RECORDS, SLOWNESS } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { readRow } from './database.ts'
import { askNeighbour } from './ask-neighbour.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Partial<Record<ScenarioName, (app: Hono) => void>>> = {
  hello: app => app.get('/', context => context.text(scenarios.hello.answer.body)),
  params: addApi,
  json: app => app.post('/echo', async context => context.json(await context.req.json<unknown>())),
  'json-out': app => app.get('/', context => context.json(RECORDS)),
  upload: addUpload,
  database: app => app.get('/row', async context => context.json(await readRow())),
  upstream: app => app.get('/relay', async context => context.text(await askNeighbour())),
  slow: app => app.get('/slow', async context => context.text(await delay(SLOWNESS, 'at last'))),
}

const app = new Hono()
builders[requestedScenario()]!(app)
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => reportListening(port))

function addApi(api: Hono): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.use(async (_context, next) => next())
  for (const { method, path, label } of apiRoutes) {
    api.on(method, path, context => context.text(`${label} ${context.req.param('id')}`))
  }
}

function addUpload(app: Hono): void {
  app.post('/upload', async context => {
    const { title, file } = await context.req.parseBody()
    if (!(file instanceof File) || typeof title !== 'string') return context.text('no file', 400)
    return context.text(`${title}: ${file.name}, ${file.size} bytes`)
  })
}
