import { on } from 'node:events'

import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

import { reportListening } from '../../servers/report.ts'
import { bus } from '../broadcast.ts'

const app = new Hono()
app.get('/', context =>
  streamSSE(context, async stream => {
    const messages = on(bus, 'message', { signal: context.req.raw.signal })
    await stream.write(': hello\n\n')
    for await (const [data] of messages) await stream.writeSSE({ data: data as string })
  }),
)
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => reportListening(port))
