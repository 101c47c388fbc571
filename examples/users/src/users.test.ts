import { connect } from 'node:net'
import process from 'node:process'

import { createLogger } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import pg from 'pg'
import t from 'tap'
import type { Test } from 'tap'

import { createApp } from './app.ts'
import { database, openDatabase } from './database.ts'
import type { Database } from './database.ts'

const DATABASE_URL = process.env['DATABASE_URL'] || 'postgres://root@127.0.0.1:5432/test'
const ada = { name: 'Ada', email: 'ada@example.com' }

t.test('on the database within the process', async t => {
  const opened = await openDatabase(undefined, createLogger())
  t.teardown(() => opened.close())

  await specify(t, opened)
})

t.test('on a real PostgreSQL', { skip: await reasonToSkip() }, async t => {
  const opened = await openDatabase(await createSchema(t, DATABASE_URL), createLogger())
  t.teardown(() => opened.close())

  await specify(t, opened)
})

/** What holds whatever the database is. */
async function specify(t: Test, opened: Database): Promise<void> {
  await t.test('a user is created, and found where the answer says', async t => {
    const client = await startEmpty(t, opened)

    const created = await client.post('/users', { json: ada })
    const found = await client.get(created.headers.get('location')!)

    t.equal(created.status, 201)
    t.strictSame(await created.json(), { id: 1, ...ada })
    t.strictSame(await found.json(), { id: 1, ...ada })
  })

  await t.test('users are listed in pages, with their addresses', async t => {
    const client = await startEmpty(t, opened)
    for (const name of ['a', 'b', 'c']) await client.post('/users', { json: { name, email: `${name}@b.c` } })

    const response = await client.get('/users', { query: { limit: 1, offset: 1 } })

    t.strictSame(await response.json(), { users: [{ id: 2, name: 'b', email: 'b@b.c', url: '/users/2' }] })
  })

  await t.test('a user is changed', async t => {
    const client = await startEmpty(t, opened)
    await client.post('/users', { json: ada })

    const changed = await client.put('/users/1', { json: { ...ada, name: 'Ada L.' } })
    const found = await client.get('/users/1')

    t.strictSame(await changed.json(), { id: 1, ...ada, name: 'Ada L.' })
    t.strictSame(await found.json(), { id: 1, ...ada, name: 'Ada L.' })
  })

  await t.test('a user is deleted, once', async t => {
    const client = await startEmpty(t, opened)
    await client.post('/users', { json: ada })

    t.equal((await client.delete('/users/1')).status, 204)
    t.equal((await client.delete('/users/1')).status, 404)
    t.equal((await client.get('/users/1')).status, 404)
  })

  await t.test('what is wrong with a user is said, all of it', async t => {
    const client = await startEmpty(t, opened)

    const response = await client.post('/users', { json: { name: '', age: 36 } })

    t.equal(response.status, 422)
    t.strictSame(await response.json(), {
      title: 'Some of the input is not valid',
      status: 422,
      issues: [
        { field: 'age', message: 'is not known' },
        { field: 'name', message: 'must be a text of 1 to 200 characters' },
        { field: 'email', message: 'must be an e-mail address' },
      ],
    })
  })

  await t.test('a page that nobody can turn to is refused', async t => {
    const client = await startEmpty(t, opened)

    const response = await client.get('/users', { query: { limit: 1000 } })

    t.equal(response.status, 422)
    t.match(await response.json(), {
      issues: [{ field: 'limit', message: 'must be a whole number up to 100' }],
    })
  })

  await t.test('two users cannot share an e-mail address', async t => {
    const client = await startEmpty(t, opened)
    await client.post('/users', { json: ada })
    await client.post('/users', { json: { name: 'Bob', email: 'bob@example.com' } })

    t.equal((await client.post('/users', { json: ada })).status, 409)
    t.equal((await client.put('/users/2', { json: ada })).status, 409)
  })

  await t.test('a number that no user can have is a user who is not there', async t => {
    const client = await startEmpty(t, opened)

    for (const id of ['0', '1', '2147483648', '9223372036854775808', '9'.repeat(90)]) {
      t.equal((await client.get(`/users/${id}`)).status, 404, id)
      t.equal((await client.put(`/users/${id}`, { json: ada })).status, 404, id)
    }
  })

  await t.test('a body is data, whatever it looks like', async t => {
    const client = await startEmpty(t, opened)
    const robert = { name: "Robert'); drop table users; --", email: 'bobby@example.com' }

    await client.post('/users', { json: robert })

    t.strictSame(await (await client.get('/users/1')).json(), { id: 1, ...robert })
  })
}

/** The application on a database without users. */
async function startEmpty(t: Test, opened: Database): Promise<TestClient> {
  await opened.query('truncate users restart identity')
  return testClient(t, createApp, { state: [[database, opened]] })
}

/** Makes a schema for this test alone; answers the URL of a database that is nothing but that schema. */
async function createSchema(t: Test, databaseUrl: string): Promise<string> {
  const schema = `allium_users_${process.pid}`
  const owner = new pg.Client({ connectionString: databaseUrl })
  await owner.connect()
  await owner.query(`drop schema if exists ${schema} cascade; create schema ${schema}`)
  t.teardown(async () => {
    await owner.query(`drop schema ${schema} cascade`)
    await owner.end()
  })
  const url = new URL(databaseUrl)
  url.searchParams.set('options', `-c search_path=${schema}`)
  return url.href
}

/** Why there is nothing to test, unless somebody insists that there is. */
async function reasonToSkip(): Promise<string | false> {
  const { DATABASE_URL: given, ALLIUM_REQUIRE_SERVICES: required } = process.env
  if (given || required === '1' || (await isServed(new URL(DATABASE_URL)))) return false
  return `there is no PostgreSQL at ${DATABASE_URL}`
}

/** Whether something accepts connections there. */
function isServed({ hostname, port }: URL): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(Number(port || 5432), hostname)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
