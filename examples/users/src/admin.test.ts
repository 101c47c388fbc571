import { testClient } from '@allium/testing'
import t from 'tap'

import { createApp } from './app.ts'
import { database } from './database.ts'
import type { Database } from './database.ts'

const threeUsers: Database = {
  query: <Row>() => Promise.resolve([{ users: 3 } as Row]),
  close: () => Promise.resolve(),
}

t.test('whoever has the token sees the statistics', async t => {
  const client = await testClient(t, createApp({ adminToken: 'secret' }), { state: [[database, threeUsers]] })

  const response = await client.get('/admin', { headers: { authorization: 'Bearer secret' } })

  t.strictSame(await response.json(), { users: 3, list: '/users' })
})

t.test('nobody else learns even what is there', async t => {
  const client = await testClient(t, createApp({ adminToken: 'secret' }), { state: [[database, threeUsers]] })

  for (const authorization of [undefined, 'secret', 'Bearer', 'Bearer secrets', 'Basic secret']) {
    for (const path of ['/admin', '/admin/nowhere']) {
      const response = await client.get(path, { headers: { authorization } })
      t.equal(response.status, 401, `${path} with ${authorization}`)
      t.equal(response.headers.get('www-authenticate'), 'Bearer')
    }
  }
})

t.test('the administration has a 404 of its own', async t => {
  const client = await testClient(t, createApp({ adminToken: 'secret' }), { state: [[database, threeUsers]] })

  const response = await client.get('/admin/nowhere', { headers: { authorization: 'Bearer secret' } })

  t.equal(response.status, 404)
  t.equal(await response.text(), 'There is nothing to administrate here\n')
})

t.test('without a token there is no administration', async t => {
  const client = await testClient(t, createApp, { state: [[database, threeUsers]] })

  t.equal((await client.get('/admin', { headers: { authorization: 'Bearer ' } })).status, 404)
})
