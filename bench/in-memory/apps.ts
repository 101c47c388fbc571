import type { RequestListener } from 'node:http'

import { Application, json, text } from '@allium/core'
import express from 'express'
import type { Express } from 'express'
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { Hono } from 'hono'

/** What is sent to `POST /`, and comes back. */
export const BODY = { name: 'Ada', roles: ['admin', 'editor'], active: true }

// Two routes each: a text, and JSON that is parsed and written back.

export function createAllium(): Application {
  const app = new Application()
  app.get('/', () => text('hello'))
  app.post('/', async request => json(await request.json()))
  return app
}

export function createExpress(): Express {
  const app = express()
  app.get('/', (_, response) => void response.type('text').send('hello'))
  app.post('/', express.json(), (request, response) => void response.json(request.body))
  return app
}

export function createFastify(): FastifyInstance {
  const app = fastify()
  app.get('/', (_, reply) => reply.type('text/plain').send('hello'))
  app.post('/', (request, reply) => reply.send(request.body))
  return app
}

export function createHono(): Hono {
  const app = new Hono()
  app.get('/', context => context.text('hello'))
  app.post('/', async context => context.json(await context.req.json()))
  return app
}

/** By hand. */
export const listener: RequestListener = (request, response) => {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/plain')
    return void response.end('hello')
  }
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(JSON.parse(Buffer.concat(pieces).toString())))
  })
}
