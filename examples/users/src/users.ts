import { empty, HttpConflict, HttpNotFound, json } from '@allium/core'
import type { Application, RequestApp } from '@allium/core'

import { database } from './database.ts'
import { parsePage, parseUser } from './user-input.ts'

/** A user as it is stored. */
export interface User {
  readonly id: number
  readonly name: string
  readonly email: string
}

const UNIQUE_VIOLATION = '23505'
const MAX_ID = 2 ** 31 - 1 // of an integer column

/** Adds the routes of users. */
export function addUserRoutes(app: Application): void {
  const user = app.get('/users/:id(\\d+)', async ({ params, app }) => {
    return json(await find(app, 'select id, name, email from users where id = $1', [toId(params.id)]))
  })

  app.get(
    '/users',
    async ({ query, app }) => {
      const { limit, offset } = parsePage(query)
      const text = 'select id, name, email from users order by id limit $1 offset $2'
      const users = await app.state.get(database).query<User>(text, [limit, offset])
      return json({ users: users.map(found => ({ ...found, url: user.url({ id: found.id }) })) })
    },
    { name: 'users' },
  )

  app.post('/users', async request => {
    const { name, email } = parseUser(await request.json())
    const text = 'insert into users (name, email) values ($1, $2) returning id, name, email'
    const created = await find(request.app, text, [name, email])
    return json(created, { status: 201, headers: { location: user.url({ id: created.id }) } })
  })

  app.put('/users/:id(\\d+)', async request => {
    const { name, email } = parseUser(await request.json())
    const text = 'update users set name = $2, email = $3 where id = $1 returning id, name, email'
    return json(await find(request.app, text, [toId(request.params.id), name, email]))
  })

  app.delete('/users/:id(\\d+)', async ({ params, app }) => {
    await find(app, 'delete from users where id = $1 returning id, name, email', [toId(params.id)])
    return empty()
  })
}

/** The one user that a statement is about. */
async function find(app: RequestApp, text: string, values: readonly unknown[]): Promise<User> {
  const [user] = await app.state.get(database).query<User>(text, values).catch(refuseDuplicate)
  if (!user) throw new HttpNotFound('There is no such user')
  return user
}

function refuseDuplicate(error: unknown): never {
  const { code } = error as { code?: unknown }
  if (code === UNIQUE_VIOLATION)
    throw new HttpConflict('Another user has this e-mail address', { cause: error })
  throw error
}

function toId(text: string): number {
  if (Number(text) > MAX_ID) throw new HttpNotFound('There is no such user')
  return Number(text)
}
