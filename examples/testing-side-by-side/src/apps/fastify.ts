import websocket from '@fastify/websocket'
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'

import { cookieOf, Database, lengthOf, LIMIT, LINES, REPORT, tenant, ticking, users } from '../service.ts'
import type { Bug } from '../service.ts'

export async function createApp(bug?: Bug): Promise<FastifyInstance> {
  const database = new Database()
  const app = fastify({ bodyLimit: LIMIT })
  app.addHook('onClose', () => database.close(bug))
  if (bug !== 'context-lost')
    app.addHook('onRequest', (request, _, next) => tenant.run(String(request.headers['x-tenant']), next))
  if (bug !== 'upgrade-refused') await app.register(websocket)

  app.get<{ Params: { id: string } }>('/users/:id', (request, reply) => {
    if (bug !== 'hanging-handler') void reply.send(users.get(request.params.id))
  })
  app.post('/users', (request, reply) => reply.status(201).header('location', '/users/2').send(request.body))
  if (bug !== 'not-405') {
    app.route({
      method: ['GET', 'PUT', 'PATCH', 'DELETE'],
      url: '/users',
      handler: (_, reply) => reply.status(405).header('allow', 'POST').send(),
    })
  }
  app.get('/me', (request, reply) => {
    const user = /user=(\w+)/.exec(request.headers.cookie ?? '')?.[1]
    return user ? reply.send({ name: user }) : reply.redirect('/sign-in', 303)
  })
  app.post('/sign-in', (_, reply) =>
    reply
      .status(204)
      .header('set-cookie', `user=${cookieOf(bug)}; Path=/`)
      .send(),
  )
  app.get('/report', (_, reply) => {
    reply.hijack()
    reply.raw.setHeader('content-length', lengthOf(bug)).end(REPORT)
  })
  app.get('/export', (_, reply) => {
    reply.hijack()
    reply.raw.setHeader('content-type', 'text/csv')
    for (const line of LINES) reply.raw.write(line)
    if (bug !== 'un-ended-stream') reply.raw.end()
  })
  app.get('/ticks', (_, reply) => {
    reply.hijack()
    ticking.clients++
    reply.raw.setHeader('content-type', 'text/event-stream').write('data: tick\n\n')
    if (bug !== 'lost-abort') reply.raw.on('close', () => ticking.clients--)
  })
  if (bug === 'upgrade-refused') app.get('/echo', (_, reply) => reply.status(426).send())
  else {
    app.get('/echo', { websocket: true }, socket => {
      socket.on('message', (data: Buffer) => socket.send(data.toString()))
    })
  }
  app.get('/tenant', (_, reply) => reply.send(tenant.getStore()))
  return app
}
