import { testClient } from '@allium/testing'
import t from 'tap'

import { createApp } from './app.ts'

t.test('greets by name', async t => {
  const client = await testClient(t, createApp)

  const response = await client.get('/hello/Ada')

  t.equal(await response.text(), 'hello Ada')
})
