import { Application, json } from '@allium/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import t from 'tap'

import { testClient } from './client-for-runner.ts'

/** As a library would make it: `{ id: number }`, with a date made of text. */
const user: StandardSchemaV1<unknown, { id: number; since: Date }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const { id, since } = value as { id: unknown; since: string }
      if (typeof id !== 'number')
        return { issues: [{ message: 'no number', path: ['user', { key: 'id' }] }, { message: 'no user' }] }
      return { value: { id, since: new Date(since) } }
    },
  },
}

t.test('json({ schema }) gives what the schema makes of the body', async t => {
  const app = new Application()
  app.get('/', () => json({ id: 7, since: '2026-01-01T00:00:00.000Z' }))
  const client = await testClient(t, app)
  const { id, since } = await client.get('/').json({ schema: user })

  t.equal(id + 1, 8)
  t.equal(since.getTime(), Date.UTC(2026, 0))
})

t.test('json({ schema }) lists what does not fit', async t => {
  const app = new Application()
  app.get('/', () => json({ id: 'seven' }))
  const response = await (await testClient(t, app)).get('/')

  await t.rejects(
    response.json({ schema: user }),
    new TypeError('The body of GET http://localhost/ does not fit its schema\nuser.id: no number\nno user'),
  )
})
