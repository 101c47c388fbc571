import { AppKey, Application, HttpUnauthorized, json, redirect } from '@allium/core'
import type { Logger, Request } from '@allium/core'
import { securityHeaders } from '@allium/core/middlewares'
import { getSession, MemoryStore, SessionKey, sessions } from '@allium/sessions'
import type { Session, SessionStore, StoredSessions } from '@allium/sessions'
import { websocket } from '@allium/ws'

import { Accounts } from './accounts.ts'

/** What the application can be given. */
export interface AppOptions {
  /** Where sessions are kept; default: in memory. */
  readonly storage?: SessionStore | undefined
  readonly logger?: Logger | undefined
}

/** Whose session it is, and which. */
type SignedIn = Pick<Session, 'id'> & { readonly principal: string }

const accounts = new AppKey<Accounts>('accounts')
const visits = new SessionKey<number>('visits')

/** Pages that know who you are, and at once when you are not any more. */
export function createApp({ storage = new MemoryStore(), logger }: AppOptions = {}): Application {
  const app = new Application({ name: 'login', logger })
  const stored = sessions({ storage })

  app.provide(accounts, async function* () {
    const known = new Accounts()
    await known.add('ada', 'correct horse battery')
    await known.add('grace', 'a moth in relay 70')
    yield known
  })
  app.use(securityHeaders(), stored)

  app.get('/me', showVisitor)
  app.post('/sign-in', signIn)
  app.post('/sign-out', async request => {
    ;(await getSession(request)).destroy()
    return redirect('/', 303)
  })
  addDevices(app, stored)
  app.static('/', new URL('../public', import.meta.url))
  return app
}

async function signIn(request: Request) {
  const form = await request.form()
  const [name, password] = [form.get('name') ?? '', form.get('password') ?? '']
  const session = await getSession(request)
  if (await request.app.state.get(accounts).isRight(name, password)) {
    session.principal = name // under another id from here on: whoever knew the old one is not signed in
    session.flash('info', `Welcome, ${name}`)
  } else {
    session.flash('error', 'There is no such name with that password')
  }
  return redirect('/', 303)
}

async function showVisitor(request: Request) {
  const session = await getSession(request)
  if (session.principal === undefined) return json({ messages: session.takeFlash() })
  session.update(visits, (count = 0) => count + 1)
  return json({ name: session.principal, visits: session.get(visits), messages: session.takeFlash() })
}

/** What only the principal sees and does. */
function addDevices(app: Application, stored: StoredSessions): void {
  app.get('/devices', async request => {
    const { id, principal } = await signedIn(request)
    const list = await stored.list(principal)
    return json(list.map(({ id: each, lastSeenAt }) => ({ id: each, lastSeenAt, isThis: each === id })))
  })
  app.post('/devices/:id/sign-out', async request => {
    const { principal } = await signedIn(request)
    return json(await stored.signOut(principal, request.params.id))
  })
  app.post('/sign-out-everywhere', async request => {
    const { principal } = await signedIn(request)
    await stored.signOutEverywhere(principal)
    return redirect('/', 303)
  })
  // Closes with 1008 when the session is ended from elsewhere.
  app.get('/presence', async request => {
    const { principal } = await signedIn(request)
    return websocket(async socket => {
      await socket.sendJson({ name: principal })
      for await (const message of socket) await socket.send(message.text())
    })(request)
  })
}

async function signedIn(request: Request): Promise<SignedIn> {
  const { id, principal } = await getSession(request)
  if (principal === undefined) throw new HttpUnauthorized('Sign in first')
  return { id, principal }
}
