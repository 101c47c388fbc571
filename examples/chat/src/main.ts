import { runApp } from '@allium/core'

import { createApp } from './app.ts'

const { REDIS_URL, WORKERS, PORT } = process.env

await runApp(() => createApp({ redis: REDIS_URL }), {
  host: '127.0.0.1',
  port: Number(PORT ?? 8080),
  workers: Number(WORKERS ?? 1),
})
