import { serve } from '@hono/node-server'
import { Hono } from 'hono'

import { reportStart } from '../report-start.ts'

const app = new Hono()
app.get('/', context => context.text('hello'))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, reportStart)
