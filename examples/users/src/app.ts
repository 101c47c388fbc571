import { Application, HttpError } from '@allium/core'
import type { Request, Response } from '@allium/core'

import { createAdmin } from './admin.ts'
import { database, openDatabase } from './database.ts'
import { problem } from './problem.ts'
import { identifyRequests, requestId } from './request-id.ts'
import { timeRequests } from './timing.ts'
import { InvalidInput } from './user-input.ts'
import { addUserRoutes } from './users.ts'

/** Where the application finds what it needs. */
export interface AppOptions {
  /** Of a PostgreSQL; default: one within the process. */
  readonly databaseUrl?: string | undefined
  /** Opens `/admin` to whoever has it; default: there is no `/admin`. */
  readonly adminToken?: string | undefined
}

/** A directory of users. */
export function createApp({ databaseUrl, adminToken }: AppOptions = {}): Application {
  const app = new Application({ name: 'users', middlewares: [identifyRequests, timeRequests] })

  app.provide(database, async function* ({ logger }) {
    const opened = await openDatabase(databaseUrl, logger)
    yield opened
    await opened.close()
  })

  addUserRoutes(app)
  if (adminToken) app.mount('/admin', createAdmin(adminToken))
  addErrorPages(app)
  return app
}

/** The page that fits an error best is taken: of its own class, of its status, of a class it extends. */
function addErrorPages(app: Application): void {
  app.onError(HttpError, error => problem(error))
  app.onError(InvalidInput, error => problem(error, { issues: error.issues }))
  app.onError(404, (error, { rawPath }) => problem(error, { instance: rawPath, users: app.url('users') }))
  app.onError(500, failurePage)
}

/** Says nothing of what failed, but the id under which the log has it. */
function failurePage(error: HttpError, { app, state }: Request): Response {
  const id = state.get(requestId)
  app.logger.error({ requestId: id }, 'The failed request has an id')
  return problem(error, { requestId: id })
}
