import { connect } from 'node:net'
import process from 'node:process'

const { REDIS_URL, DATABASE_URL, ALLIUM_REQUIRE_SERVICES } = process.env

/** Where tests find a Redis. */
export const redisUrl = REDIS_URL ?? 'redis://127.0.0.1:6379'
/** Where tests find a PostgreSQL. */
export const postgresUrl = DATABASE_URL ?? 'postgres://root@127.0.0.1:5432/test'

/** Why there is no Redis to test on, unless somebody insists that there is. */
export const skipRedis = await reasonToSkip('Redis', REDIS_URL, redisUrl)
/** Why there is no PostgreSQL to test on, unless somebody insists that there is. */
export const skipPostgres = await reasonToSkip('PostgreSQL', DATABASE_URL, postgresUrl)

async function reasonToSkip(name: string, given: string | undefined, url: string): Promise<string | false> {
  if (given || ALLIUM_REQUIRE_SERVICES === '1' || (await isServed(new URL(url)))) return false
  return `there is no ${name} where tests expect one`
}

/** Whether something accepts connections there. */
function isServed({ hostname, port }: URL): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
