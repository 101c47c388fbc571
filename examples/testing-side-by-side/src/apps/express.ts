import { createServer } from 'node:http'
import type { Server } from 'node:http'

import express from 'express'
import type { ErrorRequestHandler } from 'express'
import { WebSocketServer } from 'ws'

import { cookieOf, Database, lengthOf, LIMIT, LINES, REPORT, tenant, ticking, users } from '../service.ts'
import type { Bug } from '../service.ts'

export function createApp(bug?: Bug): { app: express.Express; server: Server; close: () => void } {
  const database = new Database()
  const app = express()
  if (bug !== 'context-lost')
    app.use((request, _, next) => tenant.run(request.get('x-tenant') ?? 'none', next))
  app.use(express.json({ limit: LIMIT }))

  app.get('/users/:id', (request, response) => {
    if (bug !== 'hanging-handler') response.json(users.get(request.params.id))
  })
  app.post('/users', (request, response) => void response.status(201).location('/users/2').json(request.body))
  if (bug !== 'not-405')
    app.all('/users', (_, response) => void response.set('allow', 'POST').sendStatus(405))
  app.get('/me', (request, response) => {
    const user = /user=(\w+)/.exec(request.get('cookie') ?? '')?.[1]
    if (user) response.json({ name: user })
    else response.redirect(303, '/sign-in')
  })
  app.post('/sign-in', (_, response) => void response.cookie('user', cookieOf(bug)).sendStatus(204))
  app.get('/report', (_, response) => void response.set('content-length', String(lengthOf(bug))).end(REPORT))
  app.get('/export', (_, response) => {
    response.type('text/csv')
    for (const line of LINES) response.write(line)
    if (bug !== 'un-ended-stream') response.end()
  })
  app.get('/ticks', (_, response) => {
    ticking.clients++
    response.type('text/event-stream').write('data: tick\n\n')
    if (bug !== 'lost-abort') response.on('close', () => ticking.clients--)
  })
  app.get('/echo', (_, response) => void response.sendStatus(426))
  app.get('/tenant', (_, response) => void response.send(tenant.getStore() ?? ''))
  app.use(((error: { status?: number }, _request, response, _next) => {
    response.sendStatus(error.status ?? 500)
  }) satisfies ErrorRequestHandler)

  const server = createServer(app)
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (bug === 'upgrade-refused') return void socket.end('HTTP/1.1 426 Upgrade Required\r\n\r\n')
    sockets.handleUpgrade(request, socket, head, opened => {
      opened.on('message', (data: Buffer) => opened.send(data.toString()))
    })
  })
  return { app, server, close: () => database.close(bug) }
}
