import { AppKey, Application, json, text, type Middleware } from '@allium/core'
import { getSession, MemoryStore, sessions, type Sessions } from '@allium/sessions'

export const greeting = new AppKey<string>('greeting')

/** What the suites of all runners test: a small application, made anew for each test. */
export function createApp(): { app: Application; stored: Sessions } {
  const app = new Application()
  const stored = sessions({ storage: new MemoryStore() })
  app.use(stored)
  app.provide(greeting, async function* () {
    yield 'hello from the database'
  })
  app.get('/', ({ app }) => text(app.state.get(greeting)))
  app.get('/me', async request => json({ name: (await getSession(request)).principal ?? null }))
  app.get('/later', async ({ app }) => {
    await app.clock.delay(60_000)
    return text('a minute later')
  })
  app.get('/bare', async () => {
    await new Promise(resolve => setTimeout(resolve, 30_000))
    return text('half a minute later')
  })
  return { app, stored }
}

/** A middleware of its own, for a unit test. */
export const requireKey = (async (request, next) =>
  request.headers.get('x-key') === 'open' ? next(request) : text('no', { status: 403 })) satisfies Middleware
