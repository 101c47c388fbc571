import { runApp } from '@allium/core'

import { createApp } from './app.ts'

await runApp(() => createApp(), { host: '127.0.0.1', port: 8080 })
