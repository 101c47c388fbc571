import { Application, createLogger, text } from '@allium/core'
import { getSession, MemoryStore, SessionKey, sessions } from '@allium/sessions'
import type { StoredSessionsOptions } from '@allium/sessions'
import { testClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

const silent = createLogger('error', () => {})

const note = new SessionKey<string>('note')

const MINUTE = 60_000

const HOUR = 60 * MINUTE

const DAY = 24 * HOUR

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
