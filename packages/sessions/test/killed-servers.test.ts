import { setTimeout as delay } from 'node:timers/promises'

import { Application, createLogger, json } from '@allium/core'
import { getSession, SessionKey, sessions } from '@allium/sessions'
import type { SessionStore, StoredSessions } from '@allium/sessions'
import { PostgresStore } from '@allium/sessions/postgres'
import { RedisStore } from '@allium/sessions/redis'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createClient } from 'redis'
import t from 'tap'
import type { Test } from 'tap'

import { skipOwnPostgres, skipOwnRedis, startOwnPostgres, startOwnRedis } from './own-server.ts'
import type { OwnServer } from './own-server.ts'

const VISITORS = 8
const TIMEOUT = 1000
const count = new SessionKey<number>('count')
const history = new SessionKey<number[]>('history')

interface TestedServer {
  readonly skip: string | false
  start(t: Test): Promise<OwnServer>
  connect(t: Test, url: string): Promise<SessionStore>
}

const servers: Record<string, TestedServer> = {
  'Redis, over ioredis': {
    skip: skipOwnRedis,
    start: startOwnRedis,
    async connect(t, url) {
      const client = new Redis(url, { enableOfflineQueue: false, retryStrategy: () => 50, lazyConnect: true })
      client.on('error', () => {}) // each failed command says so itself
      t.teardown(() => client.disconnect())
      await client.connect()
      return new RedisStore(client)
    },
  },
  'Redis, over redis': {
    skip: skipOwnRedis,
    start: startOwnRedis,
    async connect(t, url) {
      const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } })
      client.on('error', () => {}) // each failed command says so itself
      t.teardown(() => client.destroy())
      await client.connect()
      return new RedisStore(client)
    },
  },
  'PostgreSQL, over pg': {
    skip: skipOwnPostgres,
    start: startOwnPostgres,
    async connect(t, url) {
      const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: TIMEOUT })
      pool.on('error', () => {}) // each failed query says so itself
      t.teardown(() => pool.end())
      const store = new PostgresStore(pool)
      await migrated(store)
      return store
    },
  },
}

for (const [name, tested] of Object.entries(servers)) {
  void t.test(name, { skip: tested.skip }, async t => {
    t.test(
      'killed in mid-run is a clear 503, and comes back with all that was acknowledged (P41)',
      async t => {
        const { server, visitors, middleware } = await open(t, tested)
        const runs = visitors.map(visitor => new Run(visitor))
        await until(() => runs.every(({ acknowledged }) => acknowledged >= 5))

        await server.kill()
        await until(() => runs.every(({ failed }) => failed >= 2))
        await server.start()
        const before = runs.map(({ acknowledged }) => acknowledged)
        await until(() => runs.every(({ acknowledged }, index) => acknowledged >= before[index]! + 5))
        await Promise.all(runs.map(run => run.stop()))

        for (const [index, run] of runs.entries()) {
          t.same([...run.statuses].sort(), [200, 503])
          const { count, history } = await (await visitors[index]!.get('/')).json<Counted>()
          t.ok(
            count >= run.acknowledged && count <= run.acknowledged + run.failed,
            `${count} is what it must be`,
          )
          t.same(history, [...Array(count).keys()], 'count and history agree')
          t.equal((await middleware.list(`visitor-${index}`)).length, 1)
        }
        t.equal(await middleware.signOutEverywhere('visitor-0'), 1)
        t.equal((await visitors[0]!.get('/')).status, 200)
        t.same(await (await visitors[0]!.get('/')).json(), { count: 0, history: [] })
      },
    )

    t.test('that says nothing is a 503 when the time is over, and forgets nothing (P41)', async t => {
      const { server, visitors } = await open(t, tested)
      const [visitor] = visitors
      await visitor!.post('/add')

      server.freeze()
      const begun = performance.now()
      const response = await visitor!.get('/').finally(() => server.thaw())
      const elapsed = performance.now() - begun

      t.equal(response.status, 503)
      t.ok(elapsed >= TIMEOUT - 20 && elapsed < TIMEOUT + 10_000, `it took ${elapsed} ms`)
      await until(async () => (await visitor!.get('/')).status === 200)
      t.match(await (await visitor!.get('/')).json(), { count: 1 })
    })
  })
}

interface Counted {
  readonly count: number
  readonly history: number[]
}

interface Opened {
  readonly server: OwnServer
  readonly visitors: readonly TestClient[]
  readonly middleware: StoredSessions
}

async function open(t: Test, tested: TestedServer): Promise<Opened> {
  const server = await tested.start(t)
  const middleware = sessions({ storage: await tested.connect(t, server.url), storeTimeout: TIMEOUT })
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.use(middleware)
  app.post('/sign-in/:name', async request => {
    const session = await getSession(request)
    session.principal = request.params.name
    return json('signed in')
  })
  app.post('/add', async request => {
    const session = await getSession(request)
    session.update(history, (list = []) => [...list, list.length])
    session.update(count, (value = 0) => value + 1)
    return json('added')
  })
  app.get('/', async request => {
    const session = await getSession(request)
    return json({ count: session.get(count) ?? 0, history: session.get(history) ?? [] })
  })
  const client = await testClient(t, app)
  const pool = 'the connections of the store are closed after the application'
  client.allowLeaks({ sockets: pool, timers: pool })
  const visitors = Array.from({ length: VISITORS }, () => client.fork())
  for (const [index, visitor] of visitors.entries()) await visitor.post(`/sign-in/visitor-${index}`)
  return { server, visitors, middleware }
}

/** A visitor who goes on and on, and counts what comes of it. */
class Run {
  acknowledged = 0
  failed = 0
  readonly statuses = new Set<number>()
  #isStopped = false
  readonly #end: Promise<void>

  constructor(visitor: TestClient) {
    this.#end = this.#go(visitor)
  }

  stop(): Promise<void> {
    this.#isStopped = true
    return this.#end
  }

  async #go(visitor: TestClient): Promise<void> {
    while (!this.#isStopped) {
      const { status } = await visitor.post('/add')
      this.statuses.add(status)
      if (status === 200) this.acknowledged++
      else this.failed++
      await delay(5)
    }
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(10)
}

/** A PostgreSQL that accepts connections may still be starting up, and says so. */
async function migrated(store: PostgresStore): Promise<void> {
  await until(() =>
    store.migrate().then(
      () => true,
      () => false,
    ),
  )
}
