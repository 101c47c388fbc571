import process from 'node:process'

import { runApp } from '@allium/core'
import { RedisStore } from '@allium/sessions/redis'
import { Redis } from 'ioredis'

import { createApp } from './app.ts'

const { HOST = '127.0.0.1', PORT = '8080' } = process.env

await runApp(() => (process.env.REDIS_URL ? createAppOnRedis(process.env.REDIS_URL) : createApp()), {
  host: HOST,
  port: Number(PORT),
})

function createAppOnRedis(url: string) {
  const redis = new Redis(url, { enableOfflineQueue: false })
  const app = createApp({ storage: new RedisStore(redis, { prefix: 'login' }) })
  redis.on('error', error => app.logger.error({ err: error }, 'Redis is out of reach'))
  app.onCleanup.add(async () => void (await redis.quit()))
  return app
}
