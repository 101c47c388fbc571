/** A process that counts visits in sessions; forked by `two-processes.test.ts`, with the kind of store and its name. */
import process from 'node:process'

import { Application, AppRunner, json } from '@allium/core'
import { getSession, SessionKey, sessions } from '@allium/sessions'
import type { SessionStore } from '@allium/sessions'
import { PostgresStore } from '@allium/sessions/postgres'
import { RedisStore } from '@allium/sessions/redis'
import { Redis } from 'ioredis'
import pg from 'pg'

import { postgresUrl, redisUrl } from './services.ts'

const count = new SessionKey<number>('count')
const [kind, name] = process.argv.slice(2)
const { store, close } = kind === 'redis' ? openRedis(name!) : openPostgres(name!)
const middleware = sessions({ storage: store, storeTimeout: 120_000 })

const app = new Application()
app.use(middleware)
app.onCleanup.add(close)
app.post('/sign-in', async request => {
  const session = await getSession(request)
  session.principal = 'ada'
  return json('signed in')
})
app.post('/add', async request => {
  const session = await getSession(request)
  session.update(count, (value = 0) => value + 1)
  return json(session.get(count))
})
app.get('/', async request => json((await getSession(request)).get(count) ?? null))
app.post('/sign-out-everywhere', async () => json(await middleware.signOutEverywhere('ada')))

const runner = new AppRunner(app)
await runner.startup()
const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })
process.on('disconnect', () => void runner.stop())
process.send!(url)

interface Opened {
  readonly store: SessionStore
  readonly close: () => Promise<void>
}

function openRedis(prefix: string): Opened {
  const client = new Redis(redisUrl)
  return { store: new RedisStore(client, { prefix }), close: async () => void (await client.quit()) }
}

function openPostgres(table: string): Opened {
  const pool = new pg.Pool({ connectionString: postgresUrl })
  return { store: new PostgresStore(pool, { table }), close: () => pool.end() }
}
