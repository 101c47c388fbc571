import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { Hono } from 'hono'

import { createApp } from '../apps/hono.ts'
import { LIMIT, LINES, plantedBug, REPORT, tenant, ticking } from '../service.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

function started(t: TestContext): Hono {
  const { app, close } = createApp(plantedBug)
  t.after(close)
  return app
}

void test('a user is found', async t => {
  const response = await started(t).request('/users/1')
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { id: '1', name: 'Ada' })
})

void test('a wrong method is 405 and names the right one', async t => {
  const response = await started(t).request('/users', { method: 'PUT' })
  assert.equal(response.status, 405)
  assert.match(String(response.headers.get('allow')), /POST/)
})

void test('a user is created', async t => {
  const body = JSON.stringify({ name: 'Grace' })
  const response = await started(t).request('/users', { method: 'POST', body, headers: JSON_TYPE })
  assert.equal(response.status, 201)
  assert.equal(response.headers.get('location'), '/users/2')
})

void test('broken JSON is 400', async t => {
  const response = await started(t).request('/users', { method: 'POST', body: '{', headers: JSON_TYPE })
  assert.equal(response.status, 400)
})

void test('a large body is 413', async t => {
  const body = JSON.stringify('x'.repeat(LIMIT))
  const response = await started(t).request('/users', { method: 'POST', body, headers: JSON_TYPE })
  assert.equal(response.status, 413)
})

void test('a stranger is sent to sign in', async t => {
  const response = await started(t).request('/me')
  assert.equal(response.status, 303)
  assert.equal(response.headers.get('location'), '/sign-in')
})

void test('who has signed in is known', async t => {
  const app = started(t)
  const signedIn = await app.request('/sign-in', { method: 'POST' })
  assert.equal(signedIn.status, 204)
  const [cookie] = signedIn.headers.getSetCookie()
  const response = await app.request('/me', { headers: { cookie: cookie!.split(';')[0]! } })
  assert.equal(response.status, 200)
})

void test('the report comes whole', async t => {
  const response = await started(t).request('/report')
  assert.equal(await response.text(), REPORT)
})

void test('the export comes whole', async t => {
  const response = await started(t).request('/export')
  assert.equal(await response.text(), LINES.join(''))
})

void test('ticks end when the client leaves', async t => {
  const response = await started(t).request('/ticks')
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const { value } = await reader.read()
  assert.match(new TextDecoder().decode(value), /data: tick/)
  await reader.cancel()
  await new Promise(resolve => setTimeout(resolve, 20)) // nothing tells when
  assert.equal(ticking.clients, 0)
})

// Without a server there is nothing to upgrade: that the route is there is all that can be seen.
void test('a message comes back', async t => {
  const response = await started(t).request('/echo')
  assert.equal(response.status, 426)
})

void test('the tenant is that of the header', async t => {
  await tenant.run('acme', async () => {
    const response = await started(t).request('/tenant', { headers: { 'x-tenant': 'acme' } })
    assert.equal(await response.text(), 'acme')
  })
})
