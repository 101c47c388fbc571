import { expect, test, vi } from 'vitest'

import { text } from '@allium/core'
import { sessionOf } from '@allium/sessions/testing'
import { makeRequest, TestClient, testClient, testServer, VirtualClock } from '@allium/testing'

import { createApp, greeting, requireKey } from './greeting-app.ts'

test('a request is answered', async t => {
  const client = await testClient(t, createApp().app)
  const response = await client.get('/').expect(200)

  expect(await response.text()).toBe('hello from the database')
})

test('state is overridden', async t => {
  const client = await testClient(t, createApp().app, { state: [[greeting, 'hello from the test']] })

  await client.get('/').expectText('hello from the test')
})

test('a session is planted, and read back', async t => {
  const { app, stored } = createApp()
  const client = await testClient(t, app)
  const session = await sessionOf(client, stored)
  session.principal = 'ada'
  await session.save()

  await client.get('/me').expectJson({ name: 'ada' })
  expect((await sessionOf(client, stored)).principal).toBe('ada')
})

test('a middleware is tested by itself', async t => {
  const request = await makeRequest(t, '/', { headers: { 'x-key': 'wrong' } })
  const response = await requireKey(request, async () => text('inside'))

  expect(response.status).toBe(403)
})

test('time passes when the test says so', async t => {
  const client = await testClient(t, createApp().app, { clock: 'virtual' })
  const response = client.get('/later')
  await client.settle()
  await client.advance(60_000)

  expect(await response.text()).toBe('a minute later')
})

test('fake timers of the runner go along', async t => {
  vi.useFakeTimers()
  try {
    const clock = new VirtualClock({ timers: vi })
    const client = await testClient(t, createApp().app, { clock })
    const responses = Promise.all([client.get('/later'), client.get('/bare')])
    await client.advance(60_000)

    const texts = await Promise.all((await responses).map(response => response.text()))
    expect(texts).toEqual(['a minute later', 'half a minute later'])
  } finally {
    vi.useRealTimers()
  }
})

test('a client is closed with its block', async () => {
  const { app } = createApp()
  const cleanedUp: string[] = []
  app.onCleanup.add(() => void cleanedUp.push('yes'))
  {
    await using client = await TestClient.start(app)
    await client.get('/').expect(200)
  }

  expect(cleanedUp).toEqual(['yes'])
})

test('a server listens for browsers', async t => {
  const server = await testServer(t, createApp().app)
  const response = await fetch(server.url('/'))

  expect(await response.text()).toBe('hello from the database')
})
