import { runApp } from '@allium/core'

import { createApp } from './apps/allium.ts'

await runApp(createApp())
