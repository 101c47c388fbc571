import { Application, AppRunner, json, text } from '@allium/core'
import type { Middleware } from '@allium/core'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT, scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Record<ScenarioName, (app: Application) => void>> = {
  hello: app => app.get('/', () => text(scenarios.hello.answer.body)),
  json: app => app.post('/echo', async request => json(await request.json())),
  params: addApi,
}

const app = new Application()
builders[requestedScenario()](app)
const runner = new AppRunner(app)
await runner.startup()
const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
reportListening(port)

function addApi(api: Application): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.use(createPassOn())
  for (const { method, path, label } of apiRoutes) {
    api.route(method, path, ({ params }) => text(`${label} ${params.id}`))
  }
}

/** A function of its own for each place in the onion, as in an application. */
function createPassOn(): Middleware {
  return async function passOn(request, next) {
    const response = await next(request)
    return response
  }
}
