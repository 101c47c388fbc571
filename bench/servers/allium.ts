import { setTimeout as delay } from 'node:timers/promises'

import { Application, AppRunner, json, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { getSession, SealedCookieStorage, SessionKey, sessions } from '@allium/sessions'
import { RedisStore } from '@allium/sessions/redis'

import { apiRoutes } from '../api-routes.ts'
import { FILES, MIDDLEWARE_COUNT, PASSWORD, RECORDS, SLOWNESS } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { readRow } from './database.ts'
import { askNeighbour } from './ask-neighbour.ts'
import { connectRedis } from './redis.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Record<ScenarioName, (app: Application) => void>> = {
  hello: app => app.get('/', () => text(scenarios.hello.answer.body)),
  params: addApi,
  json: app => app.post('/echo', async request => json(await request.json())),
  'json-out': app => app.get('/', () => json(RECORDS)),
  'file-10k': app => app.static('/files', FILES),
  'file-10m': app => app.static('/files', FILES),
  upload: addUpload,
  'sealed-session': addSession,
  'redis-session': addRedisSession,
  database: app => app.get('/row', async () => json(await readRow())),
  upstream: app => app.get('/relay', async () => text(await askNeighbour())),
  slow: app => app.get('/slow', async () => text(await delay(SLOWNESS, 'at last'))),
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

function addUpload(app: Application): void {
  app.post('/upload', async request => {
    const form = await request.form()
    const file = form.getFile('file')!
    return text(`${form.get('title')}: ${file.filename}, ${file.size} bytes`)
  })
}

function addSession(app: Application): void {
  const user = new SessionKey<string>('user')
  app.use(sessions({ storage: new SealedCookieStorage({ passwords: PASSWORD }), cookie: { secure: false } }))
  app.get('/login', async request => {
    ;(await getSession(request)).set(user, 'ada')
    return text('welcome')
  })
  app.get('/account', async request => text((await getSession(request)).get(user)!))
}

function addRedisSession(app: Application): void {
  const user = new SessionKey<string>('user')
  const visits = new SessionKey<number>('visits')
  app.use(sessions({ storage: new RedisStore(connectRedis(), { prefix: 'bench:allium' }) }))
  app.get('/login', async request => {
    ;(await getSession(request)).set(user, 'ada')
    return text('welcome')
  })
  app.get('/visit', async request => {
    const session = await getSession(request)
    session.update(visits, (count = 0) => count + 1)
    return text(session.get(user)!)
  })
}
