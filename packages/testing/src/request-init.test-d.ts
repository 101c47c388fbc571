import { AppKey, Application, text } from '@allium/core'
import type { TestClient } from '@allium/testing'
import { testClient } from '@allium/testing'
import t from 'tap'

const app = new Application()
const user = app.get('/users/:id', () => text(''))
const home = app.get('/', () => text(''))
const optional = app.get('/pages/:page?', () => text(''))

export function requests(client: TestClient): void {
  void client.get('/anything')
  void client.post('/anything', { json: [1], follow: true })
  void client.get(home)
  void client.get(home, { query: { page: 2 } })
  void client.get(optional)
  void client.get(optional, { params: { page: 2 } })
  void client.get(user, { params: { id: 42 }, headers: { a: 'b' } })
  void client.request('PURGE', user, { params: { id: '42' } })

  // @ts-expect-error a param is required
  void client.get(user)
  // @ts-expect-error the same where there are other options
  void client.get(user, { query: {} })
  // @ts-expect-error a misspelt param
  void client.get(user, { params: { ID: 42 } })
  // @ts-expect-error a path has no params
  void client.get('/users/:id', { params: { id: 42 } })
  // @ts-expect-error there is no such option
  void client.get('/', { jason: {} })
}

export async function answers(client: TestClient): Promise<void> {
  const response = await client.get('/')
  const unknownValue: unknown = await response.json()
  const typed: { id: number } = await response.json<{ id: number }>()
  // @ts-expect-error not known without being said
  const untyped: { id: number } = await response.json<unknown>()
  void [unknownValue, typed, untyped]
}

interface Db {
  find(id: number): string
}

const db = new AppKey<Db>('db')
const name = new AppKey<string>('name')

export async function overrides(): Promise<void> {
  await testClient(t, app, {
    state: [
      [db, { find: () => 'ada' }],
      [name, 'test'],
    ],
  })
  // @ts-expect-error a value of another type
  await testClient(t, app, { state: [[name, 42]] })
  await testClient(t, app, {
    state: [
      [name, 'test'],
      // @ts-expect-error not what the key stands for
      [db, { find: () => 1 }],
    ],
  })
  // @ts-expect-error nothing to run at the end
  await testClient({}, app)
}
