import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import { RedisStore } from 'connect-redis'
import express from 'express'
import type { Express } from 'express'
import session from 'express-session'

import { apiRoutes } from '../api-routes.ts'
import { FILES, MIDDLEWARE_COUNT, PASSWORD, RECORDS, SLOWNESS } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { readRow } from './database.ts'
import { askNeighbour } from './ask-neighbour.ts'
import { connectRedis } from './redis.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Partial<Record<ScenarioName, (app: Express) => void>>> = {
  hello: app => app.get('/', (_request, response) => void say(response, scenarios.hello.answer.body)),
  params: addApi,
  json: app => app.post('/echo', express.json(), (request, response) => void response.json(request.body)),
  'json-out': app => app.get('/', (_request, response) => void response.json(RECORDS)),
  'file-10k': app => app.use('/files', express.static(FILES)),
  'file-10m': app => app.use('/files', express.static(FILES)),
  'redis-session': addRedisSession,
  database: app => app.get('/row', async (_request, response) => void response.json(await readRow())),
  upstream: app => app.get('/relay', async (_request, response) => say(response, await askNeighbour())),
  slow: app =>
    app.get('/slow', async (_request, response) => say(response, await delay(SLOWNESS, 'at last'))),
}

const app = express()
builders[requestedScenario()]!(app)
const server = app.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))

function say(response: express.Response, text: string): void {
  response.type('text').send(text)
}

function addApi(api: Express): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.use(async (_request, _response, next) => next())
  for (const { method, path, label } of apiRoutes) {
    const add = method.toLowerCase() as 'get' | 'post' | 'put'
    api[add](path, (request, response) => void say(response, `${label} ${String(request.params['id'])}`))
  }
}

function addRedisSession(app: Express): void {
  interface Values {
    user?: string
    visits?: number
  }
  const store = new RedisStore({ client: connectRedis(), prefix: 'bench:express:' })
  app.use(session({ store, secret: PASSWORD, resave: false, saveUninitialized: false }))
  app.get('/login', (request, response) => {
    const values = request.session as Values
    values.user = 'ada'
    say(response, 'welcome')
  })
  app.get('/visit', (request, response) => {
    const values = request.session as Values
    values.visits = (values.visits ?? 0) + 1
    say(response, values.user!)
  })
}
