import { createHash } from 'node:crypto'

import {
  Application,
  createLogger,
  DeferredResponse,
  eventStream,
  HttpServiceUnavailable,
  json,
  StreamResponse,
  text,
} from '@allium/core'
import type { Request } from '@allium/core'
import { getSession, MemoryStore, sessionOptional, SessionKey, sessions } from '@allium/sessions'
import type { Session, SessionStore, StoredSessionsOptions } from '@allium/sessions'
import { testClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

const note = new SessionKey<string>('note')

interface LogEntry {
  readonly err?: Error
  readonly path?: string
}

/** A store that can be told to fail, or to say nothing. */
class UnreliableStore implements SessionStore {
  failing: 'error' | 'silence' | undefined
  calls = 0
  readonly inner = new MemoryStore()

  read: SessionStore['read'] = (...args) => this.#answer(() => this.inner.read(...args))
  insert: SessionStore['insert'] = (...args) => this.#answer(() => this.inner.insert(...args))
  replace: SessionStore['replace'] = (...args) => this.#answer(() => this.inner.replace(...args))
  move: SessionStore['move'] = (...args) => this.#answer(() => this.inner.move(...args))
  touch: SessionStore['touch'] = (...args) => this.#answer(() => this.inner.touch(...args))
  delete: SessionStore['delete'] = (...args) => this.#answer(() => this.inner.delete(...args))
  list: SessionStore['list'] = (...args) => this.#answer(() => this.inner.list(...args))
  deleteAll: SessionStore['deleteAll'] = (...args) => this.#answer(() => this.inner.deleteAll(...args))

  #answer<Result>(work: () => Result): Promise<Result> {
    this.calls++
    if (this.failing === 'error') throw new Error('connection refused')
    return this.failing === 'silence' ? new Promise(() => {}) : Promise.resolve(work())
  }
}

type Handler = (session: Session, request: Request) => unknown

async function start(t: Test, handler: Handler, options: Partial<StoredSessionsOptions> = {}) {
  const log: (LogEntry & { message: string })[] = []
  const error = (entry: unknown, message?: string) =>
    void log.push({ ...(entry as LogEntry), message: message! })
  const store = new UnreliableStore()
  const app = new Application({ logger: { ...createLogger('error', () => {}), error } })
  app.use(sessions({ storage: store, storeTimeout: 50, ...options }))
  const answer = async (request: Request) => {
    const result = await handler(await getSession(request), request)
    return result instanceof DeferredResponse ? result : json(result ?? null)
  }
  app.get('/', answer)
  app.get('/optional', answer, { meta: [sessionOptional()] })
  app.get('/set', async request => text(String((await getSession(request)).set(note, 'a'))))
  const client = await testClient(t, app)
  return { store, client, log }
}

void t.test('a store that is down', async t => {
  t.test('is a 503 where the session is read, and its error goes to the log (P41)', async t => {
    const { client, store, log } = await start(t, session => session.get(note))
    await client.get('/set')
    store.failing = 'error'

    const response = await client.get('/')

    t.equal(response.status, 503)
    t.notMatch(await response.text(), 'refused')
    t.match(log, [
      { path: '/', err: { message: 'connection refused' }, message: 'The session store has failed' },
    ])
    store.failing = undefined
    t.equal(await (await client.get('/')).json(), 'a')
  })

  t.test('is a 503 where the session is saved: no answer tells of what is not stored (P41)', async t => {
    const { client, store } = await start(t, session => {
      store.failing = 'error'
      session.set(note, 'b')
      return 'stored'
    })
    await client.get('/set')

    t.equal((await client.get('/')).status, 503)
    t.strictSame((await client.get('/set')).headers.getSetCookie(), [])
    store.failing = undefined
    t.equal((await client.get('/set')).status, 200)
  })

  t.test('is a 503 after some time when it says nothing (P41)', async t => {
    const { client, store, log } = await start(t, session => session.get(note))
    await client.get('/set')
    store.failing = 'silence'

    t.equal((await client.get('/')).status, 503)
    t.match(log, [{ err: { message: 'No answer within 50 ms' } }])
  })

  t.test('keeps nobody waiting longer for standing in a row (P41)', async t => {
    const { client, store } = await start(
      t,
      session => (session.set(note, 'b'), new Promise(r => setTimeout(r, 50))),
    )
    await client.get('/set')
    const start_ = performance.now()
    const requests = Array.from({ length: 20 }, async () => client.get('/'))
    await new Promise(resolve => setTimeout(resolve, 40))
    store.failing = 'silence'

    const statuses = (await Promise.all(requests)).map(({ status }) => status)

    t.strictSame([...new Set(statuses)], [503])
    t.ok(performance.now() - start_ < 1000)
  })

  t.test('leaves routes alone that can do without, until they change something', async t => {
    const { client, store } = await start(t, session => [
      session.isUnavailable,
      session.get(note) ?? null,
      session.isNew,
    ])
    await client.get('/set')
    t.same(await (await client.get('/optional')).json(), [false, 'a', false])
    store.failing = 'error'

    t.same(await (await client.get('/optional')).json(), [true, null, true])
    t.equal((await client.get('/')).status, 503)
  })

  t.test('is a 503 on those routes too where anything would be lost', async t => {
    for (const change of [
      (session: Session) => session.set(note, 'b'),
      (session: Session) => session.update(note, () => 'b'),
      (session: Session) => session.destroy(),
      (session: Session) => session.flash('info', 'b'),
    ]) {
      const { client, store } = await start(t, change)
      await client.get('/set')
      store.failing = 'error'
      t.equal((await client.get('/optional')).status, 503)
    }
  })

  t.test('is an error for who signs out, in or out of an application', async t => {
    const store = new UnreliableStore()
    const middleware = sessions({ storage: store, storeTimeout: 20 })
    for (const failing of ['error', 'silence'] as const) {
      store.failing = failing
      await t.rejects(middleware.signOutEverywhere('ada'), new HttpServiceUnavailable())
    }
    store.failing = undefined
    t.equal(await middleware.signOutEverywhere('ada'), 0)
    t.same(await middleware.list('ada'), [])
  })
})

void t.test('a store that misbehaves', async t => {
  t.test('gives a new session where its record cannot be read', async t => {
    for (const data of ['', '{', 'null', '[]', '"text"', '7']) {
      const { client, store } = await start(t, session => [session.isNew, session.get(note) ?? null])
      await client.get('/set')
      store.read = (...args) => ({ ...store.inner.read(...args)!, data })

      t.same(await (await client.get('/')).json(), [true, null], data)
      t.equal((await client.get('/set')).status, 200)
    }
  })

  t.test('is a 503 when it never lets a write through', async t => {
    const { client, store } = await start(t, session => session.set(note, 'b'))
    await client.get('/set')
    const current = stored(store, client.cookies.get('session')!)
    store.replace = () => ({ isWritten: false, current: { ...current, revision: 7 } })

    t.equal((await client.get('/')).status, 503)
  })

  t.test('is a 503 when it takes no new session', async t => {
    const { client, store } = await start(t, session => session.set(note, 'b'))
    store.insert = () => false

    t.equal((await client.get('/')).status, 503)
  })

  t.test('is a conflict when the record has become something else meanwhile', async t => {
    const { client, store } = await start(t, session => session.set(note, 'b'))
    await client.get('/set')
    const current = stored(store, client.cookies.get('session')!)
    store.replace = () => ({ isWritten: false, current: { ...current, data: '[]' } })

    t.equal((await client.get('/')).status, 409)
  })
})

function stored({ inner }: UnreliableStore, cookie: string) {
  return inner.read(createHash('sha256').update(cookie).digest('base64url'), Date.now())!
}

void t.test('a cookie that leads nowhere', async t => {
  const cases = {
    'is unknown': 'a'.repeat(43),
    'is empty': '',
    'is too short': 'abc',
    'is too long': 'a'.repeat(44),
    'is far too long': 'a'.repeat(8000),
    'has other characters': 'a'.repeat(42) + '*',
    'is quoted': `"${'a'.repeat(41)}"`,
    'names a store key': 'allium:session:x',
    'is an SQL fragment': "' or 1=1 --",
    'is escaped': '%00%ff%',
  }
  for (const [what, value] of Object.entries(cases)) {
    t.test(`because it ${what} is a new session with an id of its own (P37, P40)`, async t => {
      const { client, store } = await start(t, session => (session.set(note, 'b'), session.isNew))

      const response = await client.get('/', { headers: { cookie: `session=${value}` } })

      t.equal(await response.json(), true)
      const [cookie] = response.headers.getSetCookie()
      t.match(cookie, /^session=[\w-]{43};/)
      t.notMatch(cookie, `session=${value};`)
      t.ok(store.calls <= (what === 'is unknown' ? 2 : 1), 'the store has seen no id that is not well-formed')
    })
  }

  t.test('because it is there twice is a new session, whichever is the right one', async t => {
    const { client } = await start(t, session => session.get(note))
    await client.get('/set')
    const good = `session=${client.cookies.get('session')}`
    const planted = `session=${'a'.repeat(43)}`

    t.equal(await (await client.get('/', { headers: { cookie: `x=1; ${good}; y=2` } })).json(), 'a')
    for (const cookie of [`${good}; ${planted}`, `${planted}; ${good}`, `${good};${good}`]) {
      t.equal(await (await client.get('/', { headers: { cookie } })).json(), null)
    }
  })

  t.test('is not removed: another answer may be bringing a better one', async t => {
    const { client } = await start(t, session => session.get(note))

    const response = await client.get('/', { headers: { cookie: `session=${'a'.repeat(43)}` } })

    t.strictSame(response.headers.getSetCookie(), [])
  })
})

void t.test('after the headers have left', async t => {
  t.test('changes are stored by save(), as often as it is called', async t => {
    const { client } = await start(t, (session, request) => {
      if (request.query.has('read')) return session.get(note)
      session.set(note, 'before')
      return eventStream(async function* () {
        for (const value of ['first', 'second']) {
          session.set(note, value)
          await session.save()
          yield { data: value }
        }
      })
    })
    await client.get('/set')
    await (await client.get('/')).text()

    t.equal(await (await client.get('/', { query: { read: 1 } })).json(), 'second')
  })

  t.test('a session can still be loaded and read, and read again', async t => {
    const { client, store } = await start(t, session => session.set(note, 'b'))
    const app = new Application({ logger: createLogger('error', () => {}) })
    app.use(sessions({ storage: store }))
    app.get('/', async request => {
      const stream = new StreamResponse()
      await stream.prepare(request)
      const session = await getSession(request)
      await stream.write(`${session.get(note)}, `)
      await client.get('/')
      await stream.write(`${await session.reload()} ${session.get(note)}, `)
      session.destroy()
      await session.save()
      await stream.write(`${await session.reload()} ${session.isNew}`)
      return stream
    })
    await client.get('/set')
    const late = await testClient(t, app)
    late.cookies.set('session', client.cookies.get('session')!)

    t.equal(await (await late.get('/')).text(), 'a, true b, false true')
  })

  t.test('a change that needs another cookie is an error, and keeps the change', async t => {
    for (const change of [
      (session: Session) => session.renew(),
      (session: Session) => session.regenerate(),
      (session: Session) => (session.principal = 'ada'),
      (session: Session) => (session.destroy(), session.set(note, 'c')),
    ]) {
      const codes: unknown[] = []
      const { client, log } = await start(t, (session, request) => {
        if (request.query.has('read')) return session.get(note)
        return eventStream(async function* () {
          change(session)
          for (const turn of [1, 2]) {
            await session.save().catch((error: { code?: string }) => codes.push(error.code, turn))
          }
          yield { data: '' }
        })
      })
      await client.get('/set')
      await (await client.get('/')).text()
      await client.close()

      t.strictSame(codes, ['ERR_SESSION_HEADERS_SENT', 1, 'ERR_SESSION_HEADERS_SENT', 2])
      t.match(log, [{ message: 'A session was changed after the headers had left, and never saved' }])
    }
  })

  t.test('a change that is never saved is in the log', async t => {
    const { client, log } = await start(t, session =>
      eventStream(async function* () {
        session.set(note, 'late')
        yield { data: '' }
      }),
    )
    await (await client.get('/')).text()
    await client.close()

    t.match(log, [
      { path: '/', message: 'A session was changed after the headers had left, and never saved' },
    ])
  })
})

void t.test('a handler that does not wait', async t => {
  t.test('for a session that cannot be loaded gets its answer out', async t => {
    const { client, store } = await start(t, () => 'unused')
    await client.get('/set')
    store.failing = 'error'
    const app = new Application({ logger: createLogger('error', () => {}) })
    app.use(sessions({ storage: store }))
    app.get('/', request => {
      getSession(request).catch(() => {})
      return text('answered')
    })
    const other = await testClient(t, app)
    other.cookies.set('session', client.cookies.get('session')!)

    t.equal(await (await other.get('/')).text(), 'answered')
  })

  t.test('for save() stores all the same, once, and sets the cookie', async t => {
    const { client, store } = await start(t, session => {
      session.set(note, 'a')
      void session.save()
      session.set(note, 'b')
    })

    await client.get('/')

    t.equal(store.inner.size, 1)
    t.ok(client.cookies.get('session'))
  })

  t.test('whose client has gone is saved nevertheless', async t => {
    const { promise, resolve } = deferred()
    const { client, store } = await start(t, async (session, request) => {
      if (request.query.has('wait')) {
        resolve()
        await new Promise(gone => request.signal.addEventListener('abort', gone))
        session.set(note, 'late')
      }
      return session.get(note)
    })
    await client.get('/set')
    const controller = new AbortController()
    const aborted = client.get('/', { query: { wait: 1 }, signal: controller.signal }).catch(() => 'gone')
    await promise
    controller.abort()
    t.equal(await aborted, 'gone')
    while (store.calls < 3) await new Promise(resolve => setTimeout(resolve, 5))

    t.equal(await (await client.get('/')).json(), 'late')
  })
})

function deferred() {
  let resolve = () => {}
  const promise = new Promise<void>(done => (resolve = done))
  return { promise, resolve }
}
