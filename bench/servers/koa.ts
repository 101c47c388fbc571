import type { AddressInfo } from 'node:net'
import { json as readJson } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

import Router from '@koa/router'
import Koa from 'koa'

import { apiRoutes } from '../api-routes.ts'
import { MIDDLEWARE_COUNT, RECORDS, SLOWNESS } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const builders: Readonly<Partial<Record<ScenarioName, (app: Koa) => void>>> = {
  hello: app => app.use(context => void (context.body = scenarios.hello.answer.body)),
  params: addApi,
  json: app => app.use(async context => void (context.body = await readJson(context.req))),
  'json-out': app => app.use(context => void (context.body = RECORDS)),
  slow: app => app.use(async context => void (context.body = await delay(SLOWNESS, 'at last'))),
}

const app = new Koa()
builders[requestedScenario()]!(app)
const server = app.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))

function addApi(api: Koa): void {
  for (let i = 0; i < MIDDLEWARE_COUNT; i++) api.use(passOn)
  const router = new Router()
  for (const { method, path, label } of apiRoutes) {
    router.register(path, [method], context => void (context.body = `${label} ${context.params['id']}`))
  }
  api.use(router.routes())
}

async function passOn(_context: Koa.Context, next: Koa.Next): Promise<void> {
  await next()
}
