/** Run by node:test, from `node-test.test.ts`: the second test is to fail, and the others are to run. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Application, text } from '@allium/core'
import { testClient } from '@allium/testing'

function createApp(): Application {
  const app = new Application()
  app.get('/', () => text('hello'))
  app.get('/never', request => new Promise(resolve => (request.signal.onabort = () => resolve(text('')))))
  return app
}

void test('a request is answered', async t => {
  const client = await testClient(t, createApp())

  assert.equal(await (await client.get('/')).text(), 'hello')
})

void test('a handler never answers', async t => {
  const client = await testClient(t, createApp(), { timeout: 100 })

  await client.get('/never')
})

void test('a fake clock changes nothing for the client', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
  const client = await testClient(t, createApp())

  for (let n = 0; n < 100; n++) assert.equal(await (await client.get('/')).text(), 'hello')
})
