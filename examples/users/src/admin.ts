import { createHash, timingSafeEqual } from 'node:crypto'

import { Application, HttpUnauthorized, json, text } from '@allium/core'
import type { Middleware } from '@allium/core'

import { database } from './database.ts'

/** What only the owner of the token may see: an application of its own, with its own guard and its own 404. */
export function createAdmin(token: string): Application {
  const admin = new Application({ name: 'admin', middlewares: [requireToken(token)] })
  admin.onError(404, () => text('There is nothing to administrate here\n', { status: 404 }))
  admin.get(
    '/',
    async ({ app }) => {
      const [row] = await app.state
        .get(database)
        .query<{ users: number }>('select count(*)::int as users from users')
      return json({ users: row!.users, list: app.url('users') })
    },
    { name: 'statistics' },
  )
  return admin
}

function requireToken(token: string): Middleware {
  const expected = digest(`Bearer ${token}`)
  return (request, next) => {
    const given = digest(request.headers.get('authorization') ?? '')
    if (timingSafeEqual(given, expected)) return next(request)
    throw new HttpUnauthorized('A token is needed', { headers: { 'www-authenticate': 'Bearer' } })
  }
}

/** Of one length whatever was sent, so that the comparison takes one time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
