import Hapi from '@hapi/hapi'
import type { ServerRoute } from '@hapi/hapi'

import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const routes: Readonly<Partial<Record<ScenarioName, ServerRoute>>> = {
  hello: {
    method: 'GET',
    path: '/',
    handler: (_request, toolkit) => toolkit.response(scenarios.hello.answer.body).type('text/plain'),
  },
  json: { method: 'POST', path: '/echo', handler: request => request.payload as object },
}

const server = Hapi.server({ host: '127.0.0.1', port: 0 })
server.route(routes[requestedScenario()]!)
await server.start()
reportListening(Number(server.info.port))
