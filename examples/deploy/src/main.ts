import process from 'node:process'

import { runApp } from '@allium/core'

import { createApp } from './app.ts'
import { readSettings } from './settings.ts'

const { trustProxy, ...options } = readSettings(process.env)

await runApp(() => createApp({ trustProxy }), options)
