import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testClient } from '@allium/testing'

import { createApp } from '../apps/allium.ts'
import { LIMIT, LINES, plantedBug, REPORT, tenant, ticking } from '../service.ts'

void test('a user is found', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.get('/users/1').expect(200).expectJson({ id: '1', name: 'Ada' })
})

void test('a wrong method is 405 and names the right one', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.put('/users').expect(405).expectHeader('allow', /POST/)
})

void test('a user is created', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client
    .post('/users', { json: { name: 'Grace' } })
    .expect(201)
    .expectHeader('location', '/users/2')
})

void test('broken JSON is 400', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.post('/users', { body: '{', headers: { 'content-type': 'application/json' } }).expect(400)
})

void test('a large body is 413', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.post('/users', { json: 'x'.repeat(LIMIT) }).expect(413)
})

void test('a stranger is sent to sign in', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.get('/me').expect(303).expectHeader('location', '/sign-in')
})

void test('who has signed in is known', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.post('/sign-in').expect(204)
  await client.get('/me').expect(200)
})

void test('the report comes whole', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.get('/report').expectText(REPORT)
})

void test('the export comes whole', async t => {
  const client = await testClient(t, createApp(plantedBug))
  await client.get('/export').expectText(LINES.join(''))
})

void test('ticks end when the client leaves', async t => {
  const client = await testClient(t, createApp(plantedBug))
  const ticks = await client.events('/ticks')
  assert.equal((await ticks.next()).value?.data, 'tick')
  await ticks.return()
  await client.settle()
  assert.equal(ticking.clients, 0)
})

void test('a message comes back', async t => {
  const client = await testClient(t, createApp(plantedBug))
  const socket = await client.ws('/echo')
  await socket.send('hello')
  assert.equal(await socket.receive(), 'hello')
})

void test('the tenant is that of the header', async t => {
  await tenant.run('acme', async () => {
    const client = await testClient(t, createApp(plantedBug))
    await client.get('/tenant', { headers: { 'x-tenant': 'acme' } }).expectText('acme')
  })
})
