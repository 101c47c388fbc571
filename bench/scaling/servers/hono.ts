import { serve } from '@hono/node-server'
import { Hono } from 'hono'

import { reportListening } from '../../servers/report.ts'
import { otherPaths, PATH, readSize } from '../sized-app.ts'

const size = readSize()
const app = new Hono()
for (let i = 0; i < size.middlewares; i++) app.use(async (_context, next) => next())
for (const path of otherPaths(size)) app.get(path, context => context.text(context.req.path))
app.get(PATH, context => context.text(`part of ${context.req.param('id')}`))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => reportListening(port))
