import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json as readJson } from 'node:stream/consumers'

import polka from 'polka'
import type { Polka } from 'polka'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const TEXT = 'text/plain; charset=utf-8'

const builders: Readonly<Partial<Record<ScenarioName, (app: Polka) => void>>> = {
  hello: app => app.get('/', (_request, response) => answer(response, TEXT, scenarios.hello.answer.body)),
  params: addApi,
  json: app =>
    app.post('/echo', async (request, response) =>
      answer(response, 'application/json; charset=utf-8', JSON.stringify(await readJson(request))),
    ),
}

const app = polka()
builders[requestedScenario()]!(app)
app.listen(0, '127.0.0.1', () => reportListening((app.server!.address() as AddressInfo).port))

/** Polka helps with the way to the handler; what is answered one writes by hand. */
function answer(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function addApi(api: Polka): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.use(async (_request, _response, next) => next())
  for (const { method, path, label } of apiRoutes) {
    api.add(method, path, (request, response) =>
      answer(response, TEXT, `${label} ${String(request.params['id'])}`),
    )
  }
}
