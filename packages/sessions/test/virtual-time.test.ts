import { Application, text } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import t from 'tap'

import { getSession, MemoryStore, SessionKey, sessions } from '@allium/sessions'

const HOUR = 60 * 60 * 1000
const name = new SessionKey<string>('name')

function createApp(): Application {
  const app = new Application()
  app.use(sessions({ storage: new MemoryStore(), idleTimeout: HOUR, absoluteTimeout: 3 * HOUR }))
  app.get('/', async request => text((await getSession(request)).get(name) ?? 'nobody'))
  app.post('/', async request => {
    const session = await getSession(request)
    session.set(name, 'Ada')
    return text('hello')
  })
  return app
}

async function whoIs(client: TestClient): Promise<string> {
  return (await client.get('/')).text()
}

t.test('a session that nobody uses is over when its time is, by the clock of the application', async t => {
  const client = await testClient(t, createApp(), { clock: 'virtual' })
  await client.post('/')

  await client.advance(HOUR - 1)
  t.equal(await whoIs(client), 'Ada')
  await client.advance(HOUR)
  t.equal(await whoIs(client), 'nobody')
})

t.test('a session that is used is over all the same when it is old enough', async t => {
  const client = await testClient(t, createApp(), { clock: 'virtual' })
  await client.post('/')
  for (let minutes = 0; minutes < 175; minutes += 5) {
    await client.advance(5 * 60 * 1000)
    t.equal(await whoIs(client), 'Ada')
  }

  await client.advance(5 * 60 * 1000)
  t.equal(await whoIs(client), 'nobody')
})
