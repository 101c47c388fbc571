import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT, scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Record<ScenarioName, (app: FastifyInstance) => void>> = {
  hello: app => app.get('/', (_request, reply) => reply.send(scenarios.hello.answer.body)),
  json: app => app.post('/echo', (request, reply) => reply.send(request.body)),
  params: addApi,
}

const app = fastify()
builders[requestedScenario()](app)
await app.listen({ host: '127.0.0.1', port: 0 })
reportListening((app.server.address() as AddressInfo).port)

/** Fastify has no onion: its hooks stand for middlewares. */
function addApi(api: FastifyInstance): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.addHook('onRequest', async () => {})
  for (const { method, path, label } of apiRoutes) {
    api.route<{ Params: { id: string } }>({
      method,
      url: path,
      handler: (request, reply) => reply.send(`${label} ${request.params.id}`),
    })
  }
}
