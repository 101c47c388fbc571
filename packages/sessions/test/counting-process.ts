/**
 * A process that counts visits in sessions, and tells others like it who was signed out; forked by `two-processes.test.ts`, with
 * the kind of store and its name.
 */
import process from 'node:process'

import { Application, AppRunner, json } from '@allium/core'
import { getSession, SessionKey, sessions } from '@allium/sessions'
import type { SessionStore } from '@allium/sessions'
import { PostgresStore } from '@allium/sessions/postgres'
import { RedisStore } from '@allium/sessions/redis'
import { websocket } from '@allium/ws'
import { Redis } from 'ioredis'
import pg from 'pg'

import { postgresUrl, redisUrl } from './services.ts'

const count = new SessionKey<number>('count')
const [kind, name] = process.argv.slice(2)
const { store, announce, close } = await (kind === 'redis' ? openRedis(name!) : openPostgres(name!))
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
app.get(
  '/socket',
  websocket(async (socket, request) => {
    await getSession(request)
    for await (const message of socket) await socket.send(message.text())
  }),
)
app.post('/sign-out-everywhere', async () => {
  const ended = await middleware.signOutEverywhere('ada')
  await announce('ada')
  return json(ended)
})

const runner = new AppRunner(app)
await runner.startup()
const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })
process.on('disconnect', () => void runner.stop())
process.send!(url)

interface Opened {
  readonly store: SessionStore
  /** Tells every process that a principal was signed out. */
  readonly announce: (principal: string) => Promise<unknown>
  readonly close: () => Promise<void>
}

async function openRedis(prefix: string): Promise<Opened> {
  const [client, subscriber] = [new Redis(redisUrl), new Redis(redisUrl)]
  subscriber.on('message', (_, principal) => middleware.endRequests(principal))
  await subscriber.subscribe(`${prefix}:signed-out`)
  return {
    store: new RedisStore(client, { prefix }),
    announce: principal => client.publish(`${prefix}:signed-out`, principal),
    close: async () => void (await Promise.all([client.quit(), subscriber.quit()])),
  }
}

async function openPostgres(table: string): Promise<Opened> {
  const pool = new pg.Pool({ connectionString: postgresUrl })
  const listener = new pg.Client({ connectionString: postgresUrl })
  listener.on('notification', ({ payload = '' }) => middleware.endRequests(payload))
  await listener.connect()
  await listener.query(`LISTEN "${table}"`)
  return {
    store: new PostgresStore(pool, { table }),
    announce: principal => pool.query('SELECT pg_notify($1, $2)', [table, principal]),
    close: async () => void (await Promise.all([pool.end(), listener.end()])),
  }
}
