import t from 'tap'

import { text } from '@allium/core'
import { sessionOf } from '@allium/sessions/testing'
import { makeRequest, TestClient, testClient, testServer } from '@allium/testing'

import { createApp, greeting, requireKey } from './greeting-app.ts'

t.test('a request is answered', async t => {
  const client = await testClient(t, createApp().app)
  const response = await client.get('/').expect(200)

  t.equal(await response.text(), 'hello from the database')
})

t.test('state is overridden', async t => {
  const client = await testClient(t, createApp().app, { state: [[greeting, 'hello from the test']] })

  await client.get('/').expectText('hello from the test')
})

t.test('a session is planted, and read back', async t => {
  const { app, stored } = createApp()
  const client = await testClient(t, app)
  const session = await sessionOf(client, stored)
  session.principal = 'ada'
  await session.save()

  await client.get('/me').expectJson({ name: 'ada' })
  t.equal((await sessionOf(client, stored)).principal, 'ada')
})

t.test('a middleware is tested by itself', async t => {
  const request = await makeRequest(t, '/', { headers: { 'x-key': 'wrong' } })
  const response = await requireKey(request, async () => text('inside'))

  t.equal(response.status, 403)
})

t.test('time passes when the test says so', async t => {
  const client = await testClient(t, createApp().app, { clock: 'virtual' })
  const response = client.get('/later')
  await client.settle()
  await client.advance(60_000)

  t.equal(await response.text(), 'a minute later')
})

t.test('a client is closed with its block', async () => {
  const { app } = createApp()
  const cleanedUp: string[] = []
  app.onCleanup.add(() => void cleanedUp.push('yes'))
  {
    await using client = await TestClient.start(app)
    await client.get('/').expect(200)
  }

  t.same(cleanedUp, ['yes'])
})

t.test('a server listens for browsers', async t => {
  const server = await testServer(t, createApp().app)
  const response = await fetch(server.url('/'))

  t.equal(await response.text(), 'hello from the database')
})
