import { once } from 'node:events'

import { AppKey, Application, empty, eventStream, json, redirect, Response, text } from '@allium/core'
import { websocket } from '@allium/ws'

import { cookieOf, Database, lengthOf, LIMIT, LINES, REPORT, tenant, ticking, users } from '../service.ts'
import type { Bug } from '../service.ts'

const database = new AppKey<Database>('database')

export function createApp(bug?: Bug): Application {
  const app = new Application({ bodyLimit: LIMIT })
  app.provide(database, async function* () {
    const opened = new Database()
    yield opened
    opened.close(bug)
  })
  if (bug !== 'context-lost')
    app.use((request, next) => tenant.run(request.headers.get('x-tenant') ?? 'none', () => next(request)))

  app.get('/users/:id', ({ params }) => {
    if (bug === 'hanging-handler') return new Promise(() => {})
    return json(users.get(params.id))
  })
  app.post('/users', async request => {
    return json(await request.json(), { status: 201, headers: { location: '/users/2' } })
  })
  if (bug === 'not-405') app.any('/users', () => empty(404))
  app.get('/me', ({ cookies }) =>
    cookies['user'] ? json({ name: cookies['user'] }) : redirect('/sign-in', 303),
  )
  app.post('/sign-in', () => {
    const response = empty()
    response.headers.append('set-cookie', `user=${cookieOf(bug)}; Path=/`)
    return response
  })
  app.get('/report', () => {
    async function* report() {
      yield REPORT // of a text Allium knows the length by itself
    }
    return new Response(report(), { headers: { 'content-length': String(lengthOf(bug)) } })
  })
  app.get('/export', () => {
    async function* lines() {
      yield* LINES
      if (bug === 'un-ended-stream') await new Promise(() => {})
    }
    return new Response(lines(), { headers: { 'content-type': 'text/csv' } })
  })
  app.get('/ticks', request =>
    eventStream(async function* () {
      ticking.clients++
      yield { data: 'tick' }
      if (!request.signal.aborted) await once(request.signal, 'abort')
      if (bug !== 'lost-abort') ticking.clients--
    }),
  )
  if (bug === 'upgrade-refused') app.get('/echo', () => empty(426))
  else {
    app.get(
      '/echo',
      websocket(async socket => {
        for await (const message of socket) await socket.send(message.text())
      }),
    )
  }
  app.get('/tenant', () => text(tenant.getStore() ?? ''))
  return app
}
