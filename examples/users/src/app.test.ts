import { testClient } from '@allium/testing'
import t from 'tap'

import { createApp } from './app.ts'
import { database } from './database.ts'
import type { Database } from './database.ts'

t.test('the application opens its own database, and closes it', async t => {
  const client = await testClient(t, createApp)
  const opened = client.app.state.get(database)

  t.strictSame(await (await client.get('/users')).json(), { users: [] })

  await client.close()
  await t.rejects(opened.query('select 1'))
})

t.test('another database is put in place of its own', async t => {
  const client = await testClient(t, createApp, { state: [[database, answering({ id: 7, name: 'Ada' })]] })

  const response = await client.get('/users/7')

  t.strictSame(await response.json(), { id: 7, name: 'Ada' })
})

t.test('what is not there is a problem document that says where to go', async t => {
  const client = await testClient(t, createApp, { state: [[database, answering()]] })

  const response = await client.get('/nowhere')

  t.equal(response.headers.get('content-type'), 'application/problem+json')
  t.strictSame(await response.json(), {
    title: 'Not Found',
    status: 404,
    instance: '/nowhere',
    users: '/users',
  })
})

t.test('a method that is not there names those that are', async t => {
  const client = await testClient(t, createApp, { state: [[database, answering()]] })

  const response = await client.delete('/users')

  t.equal(response.status, 405)
  t.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS, POST')
  t.equal(response.headers.get('content-type'), 'application/problem+json')
})

t.test('a failing database is a 500 with an id and nothing else', async t => {
  const failing = { ...answering(), query: () => Promise.reject(new Error('password of the database')) }
  const client = await testClient(t, createApp, { state: [[database, failing]] })

  const response = await client.get('/users/1', { headers: { 'x-request-id': 'mine-1' } })

  t.equal(response.status, 500)
  t.strictSame(await response.json(), { title: 'Internal Server Error', status: 500, requestId: 'mine-1' })
})

t.test('every answer carries an id: its own, or the one it came with if that is harmless', async t => {
  const client = await testClient(t, createApp, { state: [[database, answering()]] })
  const idFor = async (id: string | undefined) =>
    (await client.get('/nowhere', { headers: { 'x-request-id': id } })).headers.get('x-request-id')

  t.equal(await idFor('mine-1'), 'mine-1')
  t.match(await idFor(undefined), /^[0-9a-f-]{36}$/)
  t.match(await idFor('not fit for a log'), /^[0-9a-f-]{36}$/)
  t.match(await idFor('x'.repeat(65)), /^[0-9a-f-]{36}$/)
})

t.test('every answer tells how long it took', async t => {
  const client = await testClient(t, createApp, { state: [[database, answering()]] })

  t.match((await client.get('/users')).headers.get('server-timing'), /^app;dur=\d+\.\d$/)
  t.match((await client.get('/nowhere')).headers.get('server-timing'), /^app;dur=\d+\.\d$/)
})

/** A database that gives these rows to whatever it is asked. */
function answering(...rows: object[]): Database {
  return {
    query: <Row>() => Promise.resolve(rows as Row[]),
    close: () => Promise.resolve(),
  }
}
