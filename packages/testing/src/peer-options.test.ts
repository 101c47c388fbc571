import { Application, json } from '@allium/core'
import t from 'tap'

import { testClient } from './client-for-runner.ts'

function createApp(): Application {
  const app = new Application()
  app.get('/', ({ remote, scheme, url }) => json({ remote, scheme, url: String(url) }))
  return app
}

t.test('a user connects from where the test says', async t => {
  const client = await testClient(t, createApp(), { transport: 'memory', remoteAddress: '203.0.113.7' })
  const other = client.fork({ remoteAddress: '2001:db8::1' })

  t.match(await client.get('/').json(), { remote: '203.0.113.7' })
  t.match(await client.fork().get('/').json(), { remote: '203.0.113.7' })
  t.match(await other.get('/').json(), { remote: '2001:db8::1' })
})

t.test('over TCP from an address of the machine', async t => {
  const client = await testClient(t, createApp(), { transport: 'tcp', remoteAddress: '127.0.0.2' })

  t.match(await client.get('/').json(), { remote: '127.0.0.2' })
})

t.test('a connection claims to be encrypted', async t => {
  const client = await testClient(t, createApp(), { transport: 'memory', encrypted: true })
  const response = await client.get('/')

  t.equal(client.origin, 'https://localhost')
  t.equal(response.url, 'https://localhost/')
  t.match(await response.json(), { scheme: 'https', url: 'https://localhost/' })
})

t.test('what a transport cannot do is refused at once', async t => {
  const app = createApp()

  await t.rejects(testClient(t, app, { remoteAddress: 'nowhere' }), TypeError)
  await t.rejects(testClient(t, app, { transport: 'tcp', encrypted: true }), TypeError)
  await t.rejects(testClient(t, app, { transport: 'unix', remoteAddress: '127.0.0.2' }), TypeError)
})
