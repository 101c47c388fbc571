/** Run by node:test, from `node-test.test.ts`: the second test is to fail, and the others are to run. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Application, text } from '@allium/core'
import { testClient, VirtualClock } from '@allium/testing'

function createApp(): Application {
  const app = new Application()
  app.get('/', () => text('hello'))
  app.get('/slow', async ({ app }) => {
    await app.clock.delay(60_000)
    return text('slow')
  })
  app.get('/bare', () => new Promise(resolve => setTimeout(() => resolve(text('bare')), 60_000)))
  app.get('/never', request => new Promise(resolve => (request.signal.onabort = () => resolve(text('')))))
  return app
}

void test('a request is answered', async t => {
  const client = await testClient(t, createApp())

  assert.equal(await (await client.get('/')).text(), 'hello')
})

void test('a handler never answers', async t => {
  const client = await testClient(t, createApp())

  await client.get('/never')
})

void test('a fake clock changes nothing for the client', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
  const client = await testClient(t, createApp())

  for (let n = 0; n < 100; n++) assert.equal(await (await client.get('/')).text(), 'hello')
})

void test('a fake clock drives the application, and the client waits for what that sets off', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] })
  const client = await testClient(t, createApp())
  const response = client.get('/slow')
  await client.settle()
  t.mock.timers.tick(60_000)

  assert.equal(await (await response).text(), 'slow')
})

void test('advance() takes a fake clock along', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] })
  const client = await testClient(t, createApp(), { clock: new VirtualClock({ timers: t.mock.timers }) })
  const responses = Promise.all([client.get('/slow'), client.get('/bare')])
  await client.advance(60_000)

  assert.deepEqual(await Promise.all((await responses).map(response => response.text())), ['slow', 'bare'])
})
