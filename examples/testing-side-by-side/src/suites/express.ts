import assert from 'node:assert/strict'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import request from 'supertest'

import { createApp } from '../apps/express.ts'
import { LIMIT, LINES, plantedBug, REPORT, tenant, ticking } from '../service.ts'

function started(t: TestContext): ReturnType<typeof createApp> {
  const created = createApp(plantedBug)
  t.after(() => created.close())
  return created
}

void test('a user is found', async t => {
  await request(started(t).app).get('/users/1').expect(200, { id: '1', name: 'Ada' })
})

void test('a wrong method is 405 and names the right one', async t => {
  await request(started(t).app).put('/users').expect(405).expect('allow', /POST/)
})

void test('a user is created', async t => {
  const sent = request(started(t).app).post('/users').send({ name: 'Grace' })
  await sent.expect(201).expect('location', '/users/2')
})

void test('broken JSON is 400', async t => {
  const sent = request(started(t).app).post('/users').set('content-type', 'application/json').send('{')
  await sent.expect(400)
})

void test('a large body is 413', async t => {
  const body = JSON.stringify(['x'.repeat(LIMIT)])
  const sent = request(started(t).app).post('/users').set('content-type', 'application/json').send(body)
  await sent.expect(413)
})

void test('a stranger is sent to sign in', async t => {
  await request(started(t).app).get('/me').expect(303).expect('location', '/sign-in')
})

void test('who has signed in is known', async t => {
  const agent = request.agent(started(t).app)
  await agent.post('/sign-in').expect(204)
  await agent.get('/me').expect(200)
})

void test('the report comes whole', async t => {
  const response = await request(started(t).app).get('/report').buffer(true)
  assert.equal(response.text ?? String(response.body), REPORT)
})

void test('the export comes whole', async t => {
  const response = await request(started(t).app).get('/export')
  assert.equal(response.text, LINES.join(''))
})

// supertest buffers whole bodies and cannot leave: this test needs a server and a client of its own.
void test('ticks end when the client leaves', async t => {
  const { server } = started(t)
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  const left = new Promise(resolve => server.on('connection', socket => socket.on('close', resolve)))
  await new Promise<void>(resolve => {
    const sent = get({ port, path: '/ticks' }, response => {
      response.on('error', () => {})
      response.once('data', tick => {
        assert.match(String(tick), /data: tick/)
        sent.destroy()
        resolve()
      })
    })
  })
  await left
  assert.equal(ticking.clients, 0)
})

// supertest speaks no WebSocket: that the route is there is all that it can see.
void test('a message comes back', async t => {
  await request(started(t).app).get('/echo').expect(426)
})

void test('the tenant is that of the header', async t => {
  await tenant.run('acme', async () => {
    await request(started(t).app).get('/tenant').set('x-tenant', 'acme').expect('acme')
  })
})
