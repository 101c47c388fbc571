import type { Clock } from '@allium/core'

import type { CookieChange } from './session-backend.ts'
import { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** What is needed of a test client: that of `@allium/testing` has it. */
export interface SessionTestClient {
  /** Its cookies. */
  readonly cookies: {
    /** The value of a cookie. */
    get(name: string): string | undefined
    /** Sets a cookie. */
    set(name: string, value: string): void
    /** Removes a cookie. */
    delete(name: string): void
  }
  /** The application that it talks to. */
  readonly app: {
    /** Its clock. */
    readonly clock: Clock
  }
}

/**
 * The session of a test client's user, outside of any request: to read what the application has stored, or to plant what
 * it will find. Changes are stored by `save()`, which gives the client the cookie too.
 *
 * @param client the user whose session it is
 * @param from the middleware, as the application uses it
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { getSession, MemoryStore, sessions } from '@allium/sessions'
 * import { sessionOf } from '@allium/sessions/testing'
 * import { testClient } from '@allium/testing'
 * import t from 'tap'
 *
 * const stored = sessions({ storage: new MemoryStore() })
 * const app = new Application()
 * app.use(stored)
 * app.get('/me', async request => text((await getSession(request)).principal ?? 'nobody'))
 *
 * t.test('greets who is signed in', async t => {
 *   const client = await testClient(t, app)
 *   const session = await sessionOf(client, stored)
 *   session.principal = 'ada'
 *   await session.save()
 *
 *   t.equal(await (await client.get('/me')).text(), 'ada')
 * })
 * ```
 */
export async function sessionOf(client: SessionTestClient, from: Sessions): Promise<Session> {
  const { backend, cookie, clock, policy, maxSize } = from.layer.parts
  clock.follow(client.app.clock)
  const value = client.cookies.get(cookie.name)
  const origin = value === undefined ? undefined : await backend.load(value, clock.now())
  const onCookie = (change: CookieChange) =>
    change === 'delete' ? client.cookies.delete(cookie.name) : client.cookies.set(cookie.name, change.value)
  return new Session({
    backend,
    origin,
    now: () => clock.now(),
    policy,
    maxSize,
    unavailable: undefined,
    onCookie,
    canSetCookie: () => true,
    onPrincipal: () => {},
  })
}
