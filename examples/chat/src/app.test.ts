import { createLogger } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { createApp } from './app.ts'

t.test('what is said in a room is heard there, and nowhere else', async t => {
  const client = await testClient(t, createApp({ logger: createLogger('error') }))
  const [ada, bob, eve] = [
    await client.ws('/rooms/blue?name=Ada'),
    await client.ws('/rooms/blue?name=Bob'),
    await client.ws('/rooms/red?name=Eve'),
  ]
  for (const socket of [ada, bob, eve]) t.match(await socket.receiveJson(), { kind: 'welcome' })

  await ada.sendJson({ text: ' hello ' })
  await eve.sendJson({ text: 'anybody?' })

  t.same(await ada.receiveJson(), { kind: 'said', name: 'Ada', text: 'hello' })
  t.same(await bob.receiveJson(), { kind: 'said', name: 'Ada', text: 'hello' })
  t.same(await eve.receiveJson(), { kind: 'said', name: 'Eve', text: 'anybody?' })
})

t.test('nobody talks without a name, or at the length of a book', async t => {
  const client = await testClient(t, createApp({ logger: createLogger('error') }))

  t.equal((await client.get('/rooms/blue')).status, 400)
  const ada = await client.ws('/rooms/blue?name=Ada')
  await ada.receiveJson()
  await ada.sendJson({ text: 'x'.repeat(1001) })
  t.match(await ada.closed, { code: 1007 })
})
