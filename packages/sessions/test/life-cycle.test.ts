import { Application, createLogger, json, text } from '@allium/core'
import type { Request } from '@allium/core'
import { getSession, MemoryStore, SessionKey, SessionRevoked, sessions } from '@allium/sessions'
import type { Session, StoredSessionsOptions } from '@allium/sessions'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

const silent = createLogger('error', () => {})
const note = new SessionKey<string>('note')
const other = new SessionKey<string>('other')

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

type Step = (session: Session, request: Request) => unknown

/** An application whose requests do what they are told, with time that the test moves. */
async function start(t: Test, options: Partial<StoredSessionsOptions> = {}) {
  const time = { now: Date.now() }
  const store = new MemoryStore()
  const middleware = sessions({ storage: store, now: () => time.now, ...options })
  const steps: Step[] = []
  const setCookies: string[] = []
  const app = new Application({ logger: silent })
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
function copyOf(client: TestClient, name = 'session'): TestClient {
  const copy = client.fork()
  copy.cookies.set(name, client.cookies.get(name)!)
  return copy
}

void t.test('a session ends', async t => {
  t.test('when it was not used for the idle time, whatever the cookie says (P39)', async t => {
    const { time, run } = await start(t)
    await run(session => session.set(note, 'a'))

    time.now += DAY - 1
    t.equal(await run(session => session.get(note)), 'a')
    time.now += DAY - 1
    t.equal(await run(session => session.get(note)), 'a')
    time.now += DAY
    t.same(await run(session => [session.get(note) ?? null, session.isNew]), [null, true])
  })

  t.test('at its absolute end, however much it is used (P39)', async t => {
    const { time, run } = await start(t, { idleTimeout: HOUR, absoluteTimeout: 3 * HOUR })
    await run(session => session.set(note, 'a'))

    for (const minutes of [50, 50, 50]) {
      time.now += minutes * MINUTE
      t.equal(await run(session => session.get(note)), 'a')
    }
    time.now += 30 * MINUTE
    t.equal(await run(session => session.isNew), true)
  })

  t.test('by limits that have become shorter since it was stored (P39)', async t => {
    const { time, store, run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const strict = await start(t, { storage: store, idleTimeout: HOUR, now: () => time.now })
    strict.client.cookies.set('session', client.cookies.get('session')!)

    time.now += 2 * HOUR
    t.equal(await strict.run(session => session.isNew), true)
    t.equal(await run(session => session.isNew), false)
  })

  t.test('never by itself where there is no absolute end', async t => {
    const { time, run } = await start(t, { absoluteTimeout: Infinity })
    await run(session => session.set(note, 'a'))
    for (let day = 0; day < 30; day++) {
      time.now += DAY - MINUTE
      t.equal(await run(session => session.get(note)), 'a')
    }
  })

  t.test('and another begins under another id', async t => {
    const { time, run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const before = client.cookies.get('session')

    time.now += 2 * DAY
    await run(session => session.set(note, 'b'))
    t.not(client.cookies.get('session'), before)
    t.equal(await run(session => session.get(note)), 'b')
  })
})

void t.test('a session that is only read', async t => {
  t.test('is prolonged once in a touch interval, and tells when it was last used', async t => {
    const { time, store, run } = await start(t)
    await run(session => session.set(note, 'a'))
    let touches = 0
    const touch = store.touch.bind(store)
    store.touch = (...args) => (touches++, touch(...args))
    const begun = time.now

    for (let seconds = 0; seconds < 130; seconds += 10) {
      time.now += 10_000
      await run(session => session.get(note))
    }

    t.equal(touches, 2)
    t.equal(await run(session => session.lastSeenAt), begun + 120_000)
    t.equal(await run(session => session.createdAt), begun)
  })

  t.test('gets its cookie again when that has a life time', async t => {
    const { time, run, setCookies } = await start(t, { cookie: { persistent: true } })
    await run(session => session.set(note, 'a'))
    const [cookie] = setCookies
    t.match(cookie, /^session=[\w-]{43}; Max-Age=86400;/)
    await run(session => session.get(note))
    await run(session => session.set(note, 'b'))
    t.equal(setCookies.length, 1)

    time.now += HOUR
    await run(session => session.get(note))
    time.now += HOUR
    await run(session => session.set(note, 'c'))
    t.strictSame(setCookies, [cookie, cookie, cookie])
  })

  t.test('is not prolonged any more when it has ended meanwhile', async t => {
    const { time, store, run, client } = await start(t, { cookie: { persistent: true } })
    await run(session => session.set(note, 'a'))
    time.now += HOUR

    await run((session, request) => {
      request.onPrepare((_, response) => void t.strictSame([...response.cookies.values()], []))
      store.delete(session.id!)
    })
    t.equal(await run(session => session.isNew), true)
    t.ok(client.cookies.get('session'))
  })
})

void t.test('renew', async t => {
  t.test('gives another id, under which everything is as before', async t => {
    const { time, run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const before = client.cookies.get('session')
    const begun = time.now
    time.now += HOUR
    const ids = (await run(session => (session.renew(), session.id))) as string

    t.not(client.cookies.get('session'), before)
    t.same(await run(session => [session.get(note), session.createdAt, session.id === ids]), [
      'a',
      begun,
      false,
    ])
  })

  t.test('leaves the old id what it held, read-only, for a grace (P38)', async t => {
    const { time, run, client } = await start(t)
    await run(session => session.set(note, 'old'))
    const late = copyOf(client)
    await run(session => (session.renew(), session.set(note, 'new')))

    t.same(await run(session => [session.get(note), session.isReadOnly], late), ['old', true])
    t.equal(await run(session => session.set(note, 'x'), late), 409)
    t.equal(await run(session => session.delete(note), late), 409)
    t.equal(await run(session => session.update(note, () => 'x'), late), 409)
    t.equal(await run(session => session.renew(), late), 409)
    t.equal(await run(session => (session.principal = 'x'), late), 409)
    t.equal(await run(session => session.flash('info', 'x'), late), 409)
    t.equal(await run(session => session.get(note)), 'new')

    time.now += 30_000
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('shows messages to late requests without taking them', async t => {
    const { run, client } = await start(t)
    await run(session => session.flash('info', 'saved'))
    const late = copyOf(client)
    await run(session => session.renew())

    t.equal(((await run(session => session.takeFlash(), late)) as unknown[]).length, 1)
    t.equal(((await run(session => session.takeFlash())) as unknown[]).length, 1)
  })

  t.test('leaves no more than one old id', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const first = copyOf(client)
    await run(session => session.renew())
    const second = copyOf(client)
    await run(session => session.renew())

    t.equal(await run(session => session.isNew, first), true)
    t.equal(await run(session => session.isReadOnly, second), true)
  })

  t.test('is done once when two requests want it, and refuses the changes of the second', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const second = copyOf(client)

    const status = await run(async session => {
      await run(session => session.renew(), second)
      session.renew()
    })
    t.equal(status, null)
    t.equal(await run(session => session.isReadOnly), true)
    t.equal(await run(session => session.isReadOnly, second), false)

    const late = copyOf(second)
    const refused = await run(async session => {
      await run(session => session.renew(), second)
      session.set(note, 'b')
    }, late)
    t.equal(refused, 409)
    t.equal(await run(session => session.get(note), second), 'a')
  })
})

void t.test('regenerate', async t => {
  t.test('gives another id, and makes the old one nothing at once (P38)', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => session.regenerate())

    t.equal(await run(session => session.get(note)), 'a')
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('ends what a renewal has left behind as well (P38)', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => session.renew())
    await run(session => session.regenerate())

    t.equal(await run(session => session.isNew, late), true)
  })

  t.test(
    'is what signing in does, so that an id planted before is nothing afterwards (P37, P38)',
    async t => {
      const { time, run, client } = await start(t)
      await run(session => session.set(note, 'basket'))
      const attacker = copyOf(client)
      time.now += HOUR
      await run(session => (session.principal = 'ada'))

      t.same(await run(session => [session.principal, session.get(note), session.createdAt]), [
        'ada',
        'basket',
        time.now,
      ])
      t.equal(await run(session => session.isNew, attacker), true)
      const signedIn = copyOf(client)
      await run(session => (session.principal = undefined))
      t.same(await run(session => session.principal), null)
      t.equal(await run(session => session.isNew, signedIn), true)
    },
  )

  t.test('is refused to a request whose session has ended meanwhile (P38)', async t => {
    const { store, run } = await start(t)
    await run(session => session.set(note, 'a'))

    t.equal(await run(session => (store.delete(session.id!), session.regenerate())), 409)
    t.equal(store.size, 0)
  })
})

void t.test('a principal', async t => {
  t.test('is a text of a certain length', async t => {
    const { run } = await start(t)
    await run(session => {
      for (const principal of ['', 'a\0', 'x'.repeat(257), '\ud800']) {
        t.throws(() => (session.principal = principal), TypeError)
      }
    })
  })

  t.test('has sessions that can be listed, and ended one by one', async t => {
    const { time, run, client, middleware } = await start(t)
    const phone = client.fork()
    await run(session => (session.principal = 'ada'))
    const id = (await run(session => session.id)) as string
    time.now += HOUR
    await run(session => (session.principal = 'ada'), phone)

    const list = await middleware.list('ada')
    t.equal(list.length, 2)
    t.equal(list[1]!.id, id)
    t.ok(list[0]!.lastSeenAt > list[1]!.lastSeenAt)
    t.equal(await middleware.signOut('eve', id), false)
    t.equal(await middleware.signOut('ada', id), true)
    t.equal(await run(session => session.isNew), true)
    t.equal(await run(session => session.principal, phone), 'ada')
  })

  t.test('can be signed out everywhere, with what renewals have left behind (P38)', async t => {
    const { run, client, middleware } = await start(t)
    const phone = client.fork()
    const eve = client.fork()
    for (const user of [client, phone]) await run(session => (session.principal = 'ada'), user)
    await run(session => (session.principal = 'eve'), eve)
    const late = copyOf(client)
    await run(session => session.renew())

    t.equal(await middleware.signOutEverywhere('ada'), 3)

    for (const user of [client, phone, late]) t.equal(await run(session => session.isNew, user), true)
    t.equal(await run(session => session.principal, eve), 'eve')
  })

  t.test('can be signed out everywhere else', async t => {
    const { run, client, middleware } = await start(t)
    const phone = client.fork()
    for (const user of [client, phone]) await run(session => (session.principal = 'ada'), user)

    t.equal(await run(session => middleware.signOutEverywhere('ada', { except: session })), 1)

    t.equal(await run(session => session.principal), 'ada')
    t.equal(await run(session => session.isNew, phone), true)
  })

  t.test('is signed out although a request of its is still running, which learns of it (P38)', async t => {
    const { run, client, middleware, store } = await start(t)
    await run(session => (session.principal = 'ada'))
    const reasons: unknown[] = []
    const watch = (request: Request) =>
      request.signal.addEventListener('abort', () => reasons.push(request.signal.reason))

    const status = await run(async (session, request) => {
      watch(request)
      const spared = await run(
        (session, request) => (watch(request), middleware.signOutEverywhere('ada', { except: session })),
        copyOf(client),
      )
      t.equal(spared, 0)
      t.strictSame(reasons, [])
      await middleware.signOutEverywhere('ada')
      session.set(note, 'back again')
      session.renew()
    })

    t.equal(status, 409)
    t.equal(store.size, 0)
    t.ok(reasons[0] instanceof SessionRevoked)
    t.match(reasons, [{ closeCode: 1008, name: 'AbortError' }])
    await middleware.signOutEverywhere('ada')
    t.equal(reasons.length, 1)
  })
})

void t.test('destroy', async t => {
  t.test('removes the session and the cookie', async t => {
    const { run, client, store } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => session.destroy())

    t.equal(store.size, 0)
    t.equal(client.cookies.get('session'), undefined)
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('begins another session when something is set afterwards', async t => {
    const { run, client, store } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => {
      session.destroy()
      session.destroy()
      session.flash('info', 'signed out')
      return session.isNew
    })

    t.equal(store.size, 1)
    t.same(await run(session => [session.get(note) ?? null, session.takeFlash().length]), [null, 1])
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('of a new session is nothing', async t => {
    const { run, store } = await start(t)
    await run(session => (session.set(note, 'a'), session.destroy()))
    t.equal(store.size, 0)
  })

  t.test('cannot be undone by a request that is still running (P38)', async t => {
    const { run, client, store } = await start(t)
    await run(session => session.set(note, 'a'))
    const signsOut = copyOf(client)

    const status = await run(async session => {
      await run(session => session.destroy(), signsOut)
      session.set(other, 'b')
    })

    t.equal(status, 409)
    t.equal(store.size, 0)
  })

  t.test('does not trouble requests that only read, or remove', async t => {
    const { run, client } = await start(t)
    for (const step of [
      (session: Session) => session.delete(note),
      (session: Session) => session.clear(),
      (session: Session) => session.renew(),
      () => {},
    ]) {
      await run(session => session.set(note, 'a'))
      const signsOut = copyOf(client)
      const status = await run(async session => {
        await run(session => session.destroy(), signsOut)
        step(session)
      })
      t.equal(status, null)
    }
  })

  t.test('ends both ids of a session that was renewed, by either of them (P38)', async t => {
    for (const isLate of [true, false]) {
      const { run, client, store } = await start(t)
      await run(session => session.set(note, 'a'))
      const late = copyOf(client)
      await run(session => session.renew())
      t.equal(store.size, 2)

      await run(session => session.destroy(), isLate ? late : client)
      t.equal(store.size, 0)
    }
  })

  t.test('while the session is saved ends what is saved', async t => {
    const { run, store } = await start(t)
    await run(session => session.set(note, 'a'))
    await run(async session => {
      session.set(note, 'b')
      session.renew()
      const saved = session.save()
      await Promise.resolve()
      session.destroy()
      await saved
    })

    t.equal(store.size, 0)
  })
})

void t.test('sessions() refuses', async t => {
  const storage = new MemoryStore()

  t.test('times and sizes that make no sense', async t => {
    for (const options of [
      { idleTimeout: 0 },
      { idleTimeout: Infinity },
      { idleTimeout: NaN },
      { absoluteTimeout: -1 },
      { touchInterval: DAY },
      { touchInterval: -1 },
      { maxSize: 0 },
      { maxSize: Infinity },
      { storeTimeout: 0 },
      { storeTimeout: Infinity },
      { renewGrace: -1 },
      { renewGrace: Infinity },
    ]) {
      t.throws(() => sessions({ storage, ...options }), RangeError)
    }
  })

  t.test('cookies that browsers would refuse', async t => {
    for (const cookie of [
      { name: 'a b' },
      { name: '' },
      { name: '__Host-a' },
      { name: '__Secure-a', secure: false },
      { name: '__host-a', secure: true, path: '/a' },
      { name: '__Host-a', secure: true, domain: 'example.com' },
      { sameSite: 'none' as const },
      { partitioned: true },
      { path: '/;' },
    ]) {
      t.throws(() => sessions({ storage, cookie }), TypeError)
    }
  })
})

void t.test('the cookie', async t => {
  const cookieOf = async (t: Test, cookie: StoredSessionsOptions['cookie'], scheme?: 'https') => {
    const app = new Application({ logger: silent })
    app.use((request, next) => (request.override({ scheme }), next(request)))
    app.use(sessions({ storage: new MemoryStore(), cookie }))
    app.get('/', async request => text(String((await getSession(request)).set(note, 'a'))))
    const client = await testClient(t, app)
    return (await client.get('/')).headers.getSetCookie()[0]!.replace(/=[\w-]{43}/, '=…')
  }

  t.test('is for TLS only where the request came that way', async t => {
    t.equal(await cookieOf(t, {}), 'session=…; Path=/; HttpOnly; SameSite=Lax')
    t.equal(await cookieOf(t, {}, 'https'), 'session=…; Path=/; HttpOnly; Secure; SameSite=Lax')
  })

  t.test('has a prefix by default where it is for TLS only', async t => {
    t.equal(await cookieOf(t, { secure: true }), '__Host-session=…; Path=/; HttpOnly; Secure; SameSite=Lax')
    t.match(await cookieOf(t, { secure: true, path: '/a' }), /^__Secure-session=…; Path=\/a;/)
    t.match(
      await cookieOf(t, { secure: true, domain: 'example.com' }),
      /^__Secure-session=…; Domain=example.com; Path=\/;/,
    )
  })

  t.test('has what else it is given', async t => {
    const cookie = {
      name: 'sid',
      secure: true,
      sameSite: 'none',
      partitioned: true,
      persistent: true,
    } as const
    t.equal(
      await cookieOf(t, cookie),
      'sid=…; Max-Age=86400; Path=/; HttpOnly; Secure; Partitioned; SameSite=None',
    )
  })

  t.test('is removed by the attributes it was set with', async t => {
    const app = new Application()
    app.use(sessions({ storage: new MemoryStore(), cookie: { secure: true } }))
    app.get('/', async request => text(String((await getSession(request)).set(note, 'a'))))
    app.get('/out', async request => text(String((await getSession(request)).destroy())))
    const client = await testClient(t, app)
    await client.get('/')

    const [cookie] = (await client.get('/out')).headers.getSetCookie()
    t.match(
      cookie,
      /^__Host-session=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 .*; HttpOnly; Secure; SameSite=Lax$/,
    )
    t.equal(client.cookies.get('__Host-session'), undefined)
  })
})
