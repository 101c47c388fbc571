import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { streamSSE } from 'hono/streaming'

import { cookieOf, Database, lengthOf, LIMIT, LINES, REPORT, tenant, ticking, users } from '../service.ts'
import type { Bug } from '../service.ts'

/** Its WebSockets belong to an adapter for a server, which `app.request` has none of: such a request is 426. */
export function createApp(bug?: Bug): { app: Hono; close: () => void } {
  const database = new Database()
  const app = new Hono()
  if (bug !== 'context-lost')
    app.use((context, next) => tenant.run(context.req.header('x-tenant') ?? 'none', next))
  app.use(bodyLimit({ maxSize: LIMIT }))

  app.get('/users/:id', context => {
    if (bug === 'hanging-handler') return new Promise(() => {})
    return context.json(users.get(context.req.param('id')))
  })
  app.post('/users', async context => {
    const user = await context.req.json<object>().catch(() => {
      throw new HTTPException(400)
    })
    return context.json(user, 201, { location: '/users/2' })
  })
  if (bug !== 'not-405') app.all('/users', context => context.body(null, 405, { allow: 'POST' }))
  app.get('/me', context => {
    const user = /user=(\w+)/.exec(context.req.header('cookie') ?? '')?.[1]
    return user ? context.json({ name: user }) : context.redirect('/sign-in', 303)
  })
  app.post('/sign-in', context => context.body(null, 204, { 'set-cookie': `user=${cookieOf(bug)}; Path=/` }))
  app.get('/report', context => context.body(REPORT, 200, { 'content-length': String(lengthOf(bug)) }))
  app.get('/export', context => {
    const lines = new ReadableStream({
      start: controller => {
        for (const line of LINES) controller.enqueue(new TextEncoder().encode(line))
        if (bug !== 'un-ended-stream') controller.close()
      },
    })
    return context.body(lines, 200, { 'content-type': 'text/csv' })
  })
  app.get('/ticks', context =>
    streamSSE(context, async stream => {
      ticking.clients++
      const left = new Promise<void>(resolve => stream.onAbort(resolve))
      await stream.writeSSE({ data: 'tick' })
      await left
      if (bug !== 'lost-abort') ticking.clients--
    }),
  )
  app.get('/echo', context => context.body(null, 426))
  app.get('/tenant', context => context.text(tenant.getStore() ?? ''))
  return { app, close: () => database.close(bug) }
}
