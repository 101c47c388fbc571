import { H3, serve } from 'h3'
import type { H3Event } from 'h3'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT, RECORDS } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Partial<Record<ScenarioName, (app: H3) => void>>> = {
  hello: app => app.get('/', event => text(event, scenarios.hello.answer.body)),
  params: addApi,
  json: app => app.post('/echo', event => event.req.json()),
  'json-out': app => app.get('/', () => RECORDS),
}

const app = new H3()
builders[requestedScenario()]!(app)
const server = serve(app, { hostname: '127.0.0.1', port: 0, silent: true, gracefulShutdown: false })
await server.ready()
reportListening(Number(new URL(server.url!).port))

function addApi(api: H3): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.use(async (_event, next) => next())
  for (const { method, path, label } of apiRoutes) {
    api.on(method, path, event => text(event, `${label} ${event.context.params?.['id']}`))
  }
}

function text(event: H3Event, body: string): string {
  event.res.headers.set('content-type', 'text/plain; charset=utf-8')
  return body
}
