import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { FastifyInstance } from 'fastify'

import { createApp } from '../apps/fastify.ts'
import { LIMIT, LINES, plantedBug, REPORT, tenant, ticking } from '../service.ts'

async function started(t: TestContext): Promise<FastifyInstance> {
  const app = await createApp(plantedBug)
  t.after(() => app.close())
  await app.ready()
  return app
}

void test('a user is found', async t => {
  const app = await started(t)
  const response = await app.inject('/users/1')
  assert.equal(response.statusCode, 200)
  assert.deepEqual(response.json(), { id: '1', name: 'Ada' })
})

void test('a wrong method is 405 and names the right one', async t => {
  const app = await started(t)
  const response = await app.inject({ method: 'PUT', url: '/users' })
  assert.equal(response.statusCode, 405)
  assert.match(String(response.headers['allow']), /POST/)
})

void test('a user is created', async t => {
  const app = await started(t)
  const response = await app.inject({ method: 'POST', url: '/users', payload: { name: 'Grace' } })
  assert.equal(response.statusCode, 201)
  assert.equal(response.headers['location'], '/users/2')
})

void test('broken JSON is 400', async t => {
  const app = await started(t)
  const headers = { 'content-type': 'application/json' }
  const response = await app.inject({ method: 'POST', url: '/users', payload: '{', headers })
  assert.equal(response.statusCode, 400)
})

void test('a large body is 413', async t => {
  const app = await started(t)
  const payload = JSON.stringify('x'.repeat(LIMIT))
  const headers = { 'content-type': 'application/json' }
  const response = await app.inject({ method: 'POST', url: '/users', payload, headers })
  assert.equal(response.statusCode, 413)
})

void test('a stranger is sent to sign in', async t => {
  const app = await started(t)
  const response = await app.inject('/me')
  assert.equal(response.statusCode, 303)
  assert.equal(response.headers['location'], '/sign-in')
})

void test('who has signed in is known', async t => {
  const app = await started(t)
  const signedIn = await app.inject({ method: 'POST', url: '/sign-in' })
  assert.equal(signedIn.statusCode, 204)
  const [cookie] = signedIn.cookies
  const response = await app.inject({ url: '/me', cookies: { [cookie!.name]: cookie!.value } })
  assert.equal(response.statusCode, 200)
})

void test('the report comes whole', async t => {
  const app = await started(t)
  const response = await app.inject('/report')
  assert.equal(response.payload, REPORT)
})

void test('the export comes whole', async t => {
  const app = await started(t)
  const response = await app.inject('/export')
  assert.equal(response.payload, LINES.join(''))
})

void test('ticks end when the client leaves', async t => {
  const app = await started(t)
  const leaving = new AbortController()
  const response = await app.inject({ url: '/ticks', payloadAsStream: true, signal: leaving.signal })
  const stream = response.stream().on('error', () => {})
  const [tick] = (await once(stream, 'data')) as [Buffer]
  assert.match(tick.toString(), /data: tick/)
  leaving.abort()
  await new Promise(resolve => setTimeout(resolve, 20)) // nothing tells when
  assert.equal(ticking.clients, 0)
})

void test('a message comes back', async t => {
  const app = await started(t)
  const socket = await app.injectWS('/echo')
  const answered = once(socket, 'message')
  socket.send('hello')
  const [message] = (await answered) as [Buffer]
  assert.equal(message.toString(), 'hello')
  socket.terminate()
})

void test('the tenant is that of the header', async t => {
  await tenant.run('acme', async () => {
    const app = await started(t)
    const response = await app.inject({ url: '/tenant', headers: { 'x-tenant': 'acme' } })
    assert.equal(response.payload, 'acme')
  })
})
