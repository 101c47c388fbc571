import { Application, createLogger, HttpForbidden, json, redirect, Response, text } from '@allium/core'
import { getSession, MemoryStore, SessionKey, sessions } from '@allium/sessions'
import type { StoredSessionsOptions } from '@allium/sessions'
import { testClient } from '@allium/testing'
import t from 'tap'

const silent = createLogger('error', () => {})

const views = new SessionKey<number>('views')

/** An application that counts visits. */
function counter(options: Partial<StoredSessionsOptions> = {}) {
  const store = new MemoryStore()
  const app = new Application({ logger: silent })
  app.use(sessions({ storage: store, ...options }))
  app.get('/', async request => {
    const session = await getSession(request)
    session.update(views, (count = 0) => count + 1)
    return json({ views: session.get(views), isNew: session.isNew })
  })
  app.get('/read', async request => json({ views: (await getSession(request)).get(views) ?? null }))
  app.get('/untouched', () => text('no session'))
  return { app, store }
}

async function* lines() {
  yield 'one'
  yield 'two'
}

for (const transport of ['memory', 'tcp'] as const) {
  void t.test(`sessions over ${transport}`, async t => {
    t.test('keeps values from one request to the next, for each visitor', async t => {
      const ada = await testClient(t, counter().app, { transport })
      const eve = ada.fork()

      t.same(await (await ada.get('/')).json(), { views: 1, isNew: true })
      t.same(await (await ada.get('/')).json(), { views: 2, isNew: false })
      t.same(await (await eve.get('/')).json(), { views: 1, isNew: true })
    })

    t.test('sets the cookie once, with safe attributes', async t => {
      const client = await testClient(t, counter().app, { transport })

      const [cookie] = (await client.get('/')).headers.getSetCookie()
      t.match(cookie, /^session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
      t.strictSame((await client.get('/')).headers.getSetCookie(), [])
    })

    t.test('stores the session before the headers of a redirect leave (P41)', async t => {
      const { app } = counter()
      app.post('/sign-in', async request => {
        ;(await getSession(request)).set(views, 10)
        return redirect('/', 303)
      })
      const client = await testClient(t, app, { transport })

      const response = await client.post('/sign-in', { follow: true })

      t.same(await response.json(), { views: 11, isNew: false })
    })

    t.test('stores changes made in the handler of a streamed answer', async t => {
      const { app } = counter()
      app.get('/stream', async request => {
        ;(await getSession(request)).set(views, 5)
        return new Response(lines())
      })
      const client = await testClient(t, app, { transport })
      await (await client.get('/stream')).text()

      t.same(await (await client.get('/read')).json(), { views: 5 })
    })
  })
}

void t.test('a session that nobody changes', async t => {
  t.test('is not stored, and sets no cookie', async t => {
    const { app, store } = counter()
    const client = await testClient(t, app)

    const response = await client.get('/read')

    t.equal(store.size, 0)
    t.strictSame(response.headers.getSetCookie(), [])
  })

  t.test('is not even loaded by a request that never asks', async t => {
    const storage = new Proxy(new MemoryStore(), {
      get: (_, name) => t.fail(`the store was asked for ${String(name)}`),
    })
    const client = await testClient(t, counter({ storage }).app)
    client.cookies.set('session', 'a'.repeat(43))

    const response = await client.get('/untouched')

    t.equal(response.headers.get('vary'), null)
    t.equal(response.headers.get('cache-control'), null)
  })
})

void t.test('what an answer tells', async t => {
  t.test('caches: that it depends on the cookie, and not to keep it where it sets one (P42)', async t => {
    const client = await testClient(t, counter().app)

    const first = await client.get('/')
    t.equal(first.headers.get('vary'), 'Cookie')
    t.equal(first.headers.get('cache-control'), 'no-store')
    const second = await client.get('/read')
    t.equal(second.headers.get('vary'), 'Cookie')
    t.equal(second.headers.get('cache-control'), 'private')
  })

  t.test(
    'caches: what the handler has decided, but for Vary, to which the cookie is added (P42)',
    async t => {
      const { app } = counter()
      app.get('/decided/:vary', async request => {
        ;(await getSession(request)).set(views, 1)
        return text('', { headers: { 'cache-control': 'max-age=5', vary: request.params.vary } })
      })
      const client = await testClient(t, app)

      const varies = async (vary: string) => (await client.get(`/decided/${vary}`)).headers.get('vary')
      t.equal(await varies('Accept'), 'Accept, Cookie')
      t.equal(await varies('cookie'), 'cookie')
      t.equal(await varies('*'), '*')
      t.equal((await client.get('/decided/a')).headers.get('cache-control'), 'max-age=5')
    },
  )

  t.test('keeps what was changed before an HttpError, and drops it before a 500', async t => {
    const { app } = counter()
    app.get('/forbidden', async request => {
      ;(await getSession(request)).set(views, 1)
      throw new HttpForbidden()
    })
    app.get('/broken', async request => {
      ;(await getSession(request)).set(views, 100)
      throw new Error('broken')
    })
    const client = await testClient(t, app)

    t.equal((await client.get('/forbidden')).status, 403)
    t.equal((await client.get('/broken')).status, 500)
    t.same(await (await client.get('/read')).json(), { views: 1 })
  })

  t.test('destroys a session even where the handler breaks afterwards', async t => {
    const { app, store } = counter()
    app.get('/sign-out', async request => {
      ;(await getSession(request)).destroy()
      throw new Error('broken')
    })
    const client = await testClient(t, app)
    await client.get('/')

    const response = await client.get('/sign-out')

    t.equal(response.status, 500)
    t.equal(store.size, 0)
    t.equal(client.cookies.get('session'), undefined)
  })

  t.test('drops what a handler has changed that a timeout has cut short', async t => {
    const { app } = counter()
    app.get(
      '/slow',
      async request => {
        ;(await getSession(request)).set(views, 100)
        await new Promise(resolve => request.signal.addEventListener('abort', resolve))
        return text('late')
      },
      { timeout: 20 },
    )
    const client = await testClient(t, app)
    await client.get('/')

    t.equal((await client.get('/slow')).status, 503)
    t.same(await (await client.get('/read')).json(), { views: 1 })
  })
})

void t.test('getSession', async t => {
  t.test('gives the same session to everyone who asks in a request', async t => {
    const app = new Application()
    app.use(sessions({ storage: new MemoryStore() }))
    app.get('/', async request => {
      const [first, second] = await Promise.all([getSession(request), getSession(request)])
      return json(first === second && first === (await getSession(request)))
    })
    const client = await testClient(t, app)

    t.equal(await (await client.get('/')).json(), true)
  })

  t.test('names what is missing where no sessions() was passed', async t => {
    const errors: unknown[] = []
    const app = new Application({ logger: { ...silent, error: (entry: unknown) => void errors.push(entry) } })
    app.get('/', async request => json((await getSession(request)).id))
    const client = await testClient(t, app)

    t.equal((await client.get('/')).status, 500)
    t.match(errors, [{ err: { code: 'ERR_SESSION_MISSING' } }])
  })

  t.test('tells several kinds of sessions apart, the innermost first', async t => {
    const visits = sessions({ storage: new MemoryStore(), cookie: { name: 'visits' } })
    const baskets = sessions({ storage: new MemoryStore(), cookie: { name: 'basket' } })
    const app = new Application()
    app.use(visits)
    app.use(baskets)
    app.get('/', async request => {
      ;(await getSession(request)).update(views, (count = 0) => count + 1)
      ;(await getSession(request, visits)).update(views, (count = 0) => count + 10)
      return json([
        (await getSession(request, baskets)).get(views),
        (await getSession(request, visits)).get(views),
      ])
    })
    const client = await testClient(t, app)
    await client.get('/')

    t.same(await (await client.get('/')).json(), [2, 20])
    t.strictSame(
      client.cookies
        .list()
        .map(({ name }) => name)
        .sort(),
      ['basket', 'visits'],
    )
    t.equal(visits.cookieName, 'visits')
  })
})
