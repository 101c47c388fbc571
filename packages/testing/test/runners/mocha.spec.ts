import assert from 'node:assert/strict'

import { afterEach, it } from 'mocha'

import { text } from '@allium/core'
import { sessionOf } from '@allium/sessions/testing'
import { contextOf, makeRequest, TestClient, testClient, testServer } from '@allium/testing'

import { createApp, greeting, requireKey } from './greeting-app.ts'

const t = contextOf(afterEach)

it('a request is answered', async () => {
  const client = await testClient(t, createApp().app)
  const response = await client.get('/').expect(200)

  assert.equal(await response.text(), 'hello from the database')
})

it('state is overridden', async () => {
  const client = await testClient(t, createApp().app, { state: [[greeting, 'hello from the test']] })

  await client.get('/').expectText('hello from the test')
})

it('a session is planted, and read back', async () => {
  const { app, stored } = createApp()
  const client = await testClient(t, app)
  const session = await sessionOf(client, stored)
  session.principal = 'ada'
  await session.save()

  await client.get('/me').expectJson({ name: 'ada' })
  assert.equal((await sessionOf(client, stored)).principal, 'ada')
})

it('a middleware is tested by itself', async () => {
  const request = await makeRequest(t, '/', { headers: { 'x-key': 'wrong' } })
  const response = await requireKey(request, async () => text('inside'))

  assert.equal(response.status, 403)
})

it('time passes when the test says so', async () => {
  const client = await testClient(t, createApp().app, { clock: 'virtual' })
  const response = client.get('/later')
  await client.settle()
  await client.advance(60_000)

  assert.equal(await response.text(), 'a minute later')
})

it('a client is closed with its block', async () => {
  const { app } = createApp()
  const cleanedUp: string[] = []
  app.onCleanup.add(() => void cleanedUp.push('yes'))
  {
    await using client = await TestClient.start(app)
    await client.get('/').expect(200)
  }

  assert.deepEqual(cleanedUp, ['yes'])
})

it('a server listens for browsers', async () => {
  const server = await testServer(t, createApp().app)
  const response = await fetch(server.url('/'))

  assert.equal(await response.text(), 'hello from the database')
})
