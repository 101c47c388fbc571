import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import cookie from '@fastify/cookie'
import multipart from '@fastify/multipart'
import session from '@fastify/session'
import { RedisStore } from 'connect-redis'
import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT, PASSWORD, RECORDS, SLOWNESS } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { readRow } from './database.ts'
import { askNeighbour } from './ask-neighbour.ts'
import { connectRedis } from './redis.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Partial<Record<ScenarioName, (app: FastifyInstance) => void>>> = {
  hello: app => app.get('/', (_request, reply) => reply.send(scenarios.hello.answer.body)),
  params: addApi,
  json: app => app.post('/echo', (request, reply) => reply.send(request.body)),
  'json-out': app => app.get('/', (_request, reply) => reply.send(RECORDS)),
  upload: addUpload,
  'redis-session': addRedisSession,
  database: app => app.get('/row', () => readRow()),
  upstream: app => app.get('/relay', () => askNeighbour()),
  slow: app => app.get('/slow', () => delay(SLOWNESS, 'at last')),
}

const app = fastify()
builders[requestedScenario()]!(app)
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

function addUpload(app: FastifyInstance): void {
  void app.register(multipart)
  app.post('/upload', async request => {
    let title = ''
    let file = ''
    for await (const part of request.parts()) {
      if (part.type === 'field') title = part.value as string
      else file = `${part.filename}, ${(await part.toBuffer()).length} bytes`
    }
    return `${title}: ${file}`
  })
}

function addRedisSession(app: FastifyInstance): void {
  interface Values {
    user?: string
    visits?: number
  }
  const store = new RedisStore({ client: connectRedis(), prefix: 'bench:fastify:' })
  void app.register(cookie)
  void app.register(session, {
    store,
    secret: PASSWORD,
    saveUninitialized: false,
    cookie: { secure: false },
  })
  app.get('/login', (request, reply) => {
    const values = request.session as Values
    values.user = 'ada'
    return reply.send('welcome')
  })
  app.get('/visit', (request, reply) => {
    const values = request.session as Values
    values.visits = (values.visits ?? 0) + 1
    return reply.send(values.user)
  })
}
