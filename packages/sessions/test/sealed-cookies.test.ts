import { Application, createLogger, json } from '@allium/core'
import { getSession, MemoryStore, seal, SealedCookieStorage, SessionKey, sessions } from '@allium/sessions'
import type { SealedSessionsOptions, Session } from '@allium/sessions'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

const password = 'a password of more than 32 characters'
const note = new SessionKey<string>('note')
const HOUR = 3_600_000

async function start(t: Test, options: Partial<SealedSessionsOptions> = {}) {
  const time = { now: Date.now() }
  const codes: (string | undefined)[] = []
  const error = (entry: unknown) => void codes.push((entry as { err?: { code?: string } }).err?.code)
  const app = new Application({ logger: { ...createLogger('error', () => {}), error } })
  const storage = new SealedCookieStorage({ passwords: password })
  app.use(sessions({ storage, now: () => time.now, ...options }))
  const steps: ((session: Session) => unknown)[] = []
  app.get('/', async request => json((await steps.shift()!(await getSession(request))) ?? null))
  const client = await testClient(t, app)
  const run = async (step: (session: Session) => unknown, user: TestClient = client): Promise<unknown> => {
    steps.push(step)
    const response = await user.get('/')
    return response.ok ? response.json() : response.status
  }
  const cookie = () => client.cookies.get('session')!
  return { time, codes, client, run, cookie }
}

void t.test('a session in a sealed cookie', async t => {
  t.test('is all in the cookie, which is set when something has changed', async t => {
    const { run, cookie } = await start(t)
    t.equal(await run(session => session.isNew), true)
    await run(session => (session.set(note, 'a'), (session.principal = 'ada')))
    const first = cookie()

    t.match(first, /^Fe26\.2\*\*/)
    t.same(await run(session => [session.get(note), session.principal, session.id ?? null]), [
      'a',
      'ada',
      null,
    ])
    t.equal(cookie(), first)
    await run(session => session.set(note, 'b'))
    t.not(cookie(), first)
    t.equal(await run(session => session.get(note)), 'b')
  })

  t.test('ends by what is in the seal, idle and absolute (P39)', async t => {
    const { run, time, cookie } = await start(t, { idleTimeout: HOUR, absoluteTimeout: 2 * HOUR })
    await run(session => session.set(note, 'a'))
    const first = cookie()

    time.now += 0.9 * HOUR
    t.equal(await run(session => session.get(note)), 'a')
    t.not(cookie(), first, 'is prolonged by another cookie')
    time.now += 0.9 * HOUR
    t.equal(await run(session => session.get(note)), 'a')
    time.now += 0.2 * HOUR
    t.equal(await run(session => session.isNew), true)
  })

  t.test('ends by limits that have become shorter (P39)', async t => {
    const long = await start(t)
    await long.run(session => session.set(note, 'a'))
    const { run, client, time } = await start(t, { idleTimeout: HOUR })
    client.cookies.set('session', long.cookie())

    t.equal(await run(session => session.get(note)), 'a')
    client.cookies.set('session', long.cookie())
    time.now += 2 * HOUR
    t.equal(await run(session => session.isNew), true)
  })

  t.test('is removed from the browser, and only from there', async t => {
    const { run, client, cookie } = await start(t)
    await run(session => session.set(note, 'a'))
    const copy = client.fork()
    copy.cookies.set('session', cookie())
    await run(session => session.destroy())

    t.equal(client.cookies.get('session'), undefined)
    t.equal(
      await run(session => session.get(note), copy),
      'a',
      'a copy works on: the price of keeping nothing',
    )
  })

  t.test('of which two answers come at once has what the last one says', async t => {
    const { run, client, cookie } = await start(t)
    await run(session => session.set(note, 'a'))
    const copy = client.fork()
    copy.cookies.set('session', cookie())

    await run(async session => {
      await run(session => session.set(note, 'b'), copy)
      session.set(note, 'c')
    })

    t.equal(await run(session => session.get(note)), 'c')
  })

  t.test('is new for everything that was tampered with (P40)', async t => {
    const { run, client, cookie } = await start(t)
    await run(session => session.set(note, 'a'))
    const good = cookie()
    const foreign = 'another password of 32 characters or more'
    const envelope = { for: 'session', data: {}, createdAt: Date.now(), lastSeenAt: Date.now() }

    for (const bad of [
      good.slice(0, -1),
      good.slice(1),
      good.replace('*', '*x'),
      `${good.slice(0, 100)}${good[100] === 'A' ? 'B' : 'A'}${good.slice(101)}`,
      'a'.repeat(43),
      `${good}${'A'.repeat(5000)}`,
      seal(envelope, foreign),
      seal(envelope, password, { ttl: 1, now: 1 }),
      seal({ ...envelope, for: 'basket' }, password),
      seal({ ...envelope, data: [] }, password),
      seal({ ...envelope, data: null }, password),
      seal({ ...envelope, createdAt: 'x' }, password),
      seal({ ...envelope, lastSeenAt: undefined }, password),
      seal(null, password),
      seal('text', password),
    ]) {
      client.cookies.set('session', bad)
      t.equal(await run(session => session.isNew), true, bad.slice(0, 40))
    }
    client.cookies.set('session', seal(envelope, password))
    t.equal(await run(session => session.isNew), false)
  })

  t.test('is sealed anew when its password is on its way out', async t => {
    const old = { id: '1', secret: password }
    const recent = { id: '2', secret: 'another password of 32 characters or more' }
    const storage = new SealedCookieStorage({ passwords: [old] })
    const before = await start(t, { storage })
    await before.run(session => session.set(note, 'a'))
    const { client, run, cookie } = await start(t, {
      storage: new SealedCookieStorage({ passwords: [recent, old] }),
    })
    client.cookies.set('session', before.cookie())

    t.equal(await run(session => session.get(note)), 'a')
    t.match(cookie(), /^Fe26\.2\*2\*/)
    t.equal(await run(session => session.get(note)), 'a')
  })

  t.test('renews and regenerates by another cookie', async t => {
    const { run, cookie } = await start(t)
    await run(session => session.set(note, 'a'))
    for (const move of [(session: Session) => session.renew(), (session: Session) => session.regenerate()]) {
      const before = cookie()
      await run(move)
      t.not(cookie(), before)
      t.equal(await run(session => session.get(note)), 'a')
    }
  })

  t.test('cannot be changed after the headers have left', async t => {
    const errors: unknown[] = []
    const { run } = await start(t)
    await run(session => session.set(note, 'a'))
    let late: Session | undefined
    await run(session => void (late = session))
    late!.set(note, 'b')
    await late!.save().catch((error: unknown) => errors.push(error))
    late!.destroy()
    await late!.save().catch((error: unknown) => errors.push(error))

    t.match(errors, [{ code: 'ERR_SESSION_HEADERS_SENT' }, { code: 'ERR_SESSION_HEADERS_SENT' }])
    t.equal(await run(session => session.get(note)), 'a')
  })

  t.test('that is too large is an error, and the former one stays', async t => {
    const { run, codes } = await start(t)
    await run(session => session.set(note, 'a'))

    t.equal(await run(session => session.set(note, 'x'.repeat(4000))), 500)
    t.strictSame(codes, ['ERR_SESSION_TOO_LARGE'])
    t.equal(await run(session => session.get(note)), 'a')
    t.equal(await run(session => session.set(note, 'x'.repeat(2000))), null)
  })

  t.test('cannot follow a policy for requests at the same time: it knows of none', async t => {
    const storage = new SealedCookieStorage({ passwords: password })
    for (const concurrency of ['merge', 'retry', 'fail']) {
      t.throws(() => sessions({ storage, concurrency } as never), TypeError)
    }
  })
})

void t.test('a session that spills', async t => {
  const large = 'x'.repeat(4000)

  async function startSpilling(t: Test) {
    const store = new MemoryStore()
    const storage = new SealedCookieStorage({ passwords: password, spill: store })
    return { ...(await start(t, { storage })), store }
  }

  t.test('moves to the store once it is too large, and stays there', async t => {
    const { run, time, cookie, store } = await startSpilling(t)
    await run(session => session.set(note, 'a'))
    t.equal(store.size, 0)
    const begun = time.now
    time.now += HOUR

    await run(session => session.set(note, large))

    t.equal(store.size, 1)
    t.match(cookie(), /^[\w-]{43}$/)
    t.same(await run(session => [session.get(note), session.createdAt]), [large, begun])
    await run(session => session.set(note, 'small'))
    t.same(await run(session => session.get(note)), 'small')
    t.equal(store.size, 1)
  })

  t.test('is removed from the store when it is destroyed, and may begin again in the cookie', async t => {
    const { run, cookie, store } = await startSpilling(t)
    await run(session => session.set(note, large))

    await run(session => (session.destroy(), session.flash('info', 'bye')))

    t.equal(store.size, 0)
    t.match(cookie(), /^Fe26/)
    await run(session => session.set(note, large))
    await run(session => session.destroy())
    t.equal(store.size, 0)
    t.equal(cookie(), undefined)
  })
})
