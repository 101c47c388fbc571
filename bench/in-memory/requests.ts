import { TestClient } from '@allium/testing'
import inject from 'light-my-request'
import supertest from 'supertest'

import { BODY, createAllium, createExpress, createFastify, createHono, listener } from './apps.ts'
import { subject } from './subject.ts'
import type { Subject } from './subject.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

function allium(name: string, transport: 'memory' | 'tcp', method: 'GET' | 'POST'): Subject {
  return {
    name,
    start: async () => {
      const client = await TestClient.start(createAllium(), { transport })
      const send = () => (method === 'GET' ? client.get('/') : client.post('/', { json: BODY }))
      return { run: async () => (await send()).text(), stop: () => client.close() }
    },
  }
}

function fastifyInject(method: 'GET' | 'POST'): Subject {
  return {
    name: 'fastify.inject, Fastify',
    start: async () => {
      const app = createFastify()
      await app.ready()
      const request = { method, url: '/', ...(method === 'POST' ? { payload: BODY } : {}) }
      return { run: async () => (await app.inject(request)).body, stop: () => app.close() }
    },
  }
}

function lightMyRequest(method: 'GET' | 'POST'): Subject {
  const request = { method, url: '/', ...(method === 'POST' ? { payload: BODY } : {}) }
  return subject('light-my-request, bare handler', async () => (await inject(listener, request)).payload)
}

function honoRequest(method: 'GET' | 'POST'): Subject {
  const app = createHono()
  const init = method === 'POST' ? { method, headers: JSON_TYPE, body: JSON.stringify(BODY) } : {}
  return subject('app.request, Hono', async () => (await app.request('/', init)).text())
}

function superTest(method: 'GET' | 'POST'): Subject {
  const app = createExpress()
  const send = () => (method === 'GET' ? supertest(app).get('/') : supertest(app).post('/').send(BODY))
  return subject('supertest, Express', async () => (await send()).text)
}

/** The clients, each with the framework that it is made for. */
export function requests(method: 'GET' | 'POST'): Subject[] {
  return [
    lightMyRequest(method),
    allium('Allium, memory', 'memory', method),
    allium('Allium, TCP', 'tcp', method),
    fastifyInject(method),
    honoRequest(method),
    superTest(method),
  ]
}
