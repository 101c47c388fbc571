import { Application, createLogger, json } from '@allium/core'
import type { Request } from '@allium/core'
import { getSession, MemoryStore, sessions } from '@allium/sessions'
import type { Session, StoredSessionsOptions } from '@allium/sessions'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import type { Test } from 'tap'

type Step = (session: Session, request: Request) => unknown

/** An application whose requests do what they are told, with time that the test moves. */
export async function start(t: Test, options: Partial<StoredSessionsOptions> = {}) {
  const time = { now: Date.now() }
  const store = new MemoryStore()
  const middleware = sessions({ storage: store, now: () => time.now, ...options })
  const steps: Step[] = []
  const setCookies: string[] = []
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.use(middleware)
  app.get('/', async request => {
    const step = steps.shift()!
    return json((await step(await getSession(request), request)) ?? null)
  })
  const client = await testClient(t, app)

  /** What the step returns, or the status of an error. */
  async function run(step: Step, user: TestClient = client): Promise<unknown> {
    steps.push(step)
    const response = await user.get('/')
    setCookies.push(...response.headers.getSetCookie())
    return response.ok ? response.json() : response.status
  }
  return { time, store, middleware, client, run, setCookies }
}

/** A user with the cookies of another: somebody who has stolen them, or a request that was sent with them. */
export function copyOf(client: TestClient, name = 'session'): TestClient {
  const copy = client.fork()
  copy.cookies.set(name, client.cookies.get(name)!)
  return copy
}
