import { Application, HttpNotFound, json, Response, text } from '@allium/core'
import type { Logger } from '@allium/core'

import type { AppMetrics } from './app-metrics.ts'

/** A small service that tells Prometheus about itself at `/metrics`. */
export function createApp({ registry }: AppMetrics, logger?: Logger): Application {
  const app = new Application({ logger })

  app.get('/users/:id', ({ params }) => {
    if (params.id === '0') throw new HttpNotFound()
    return json({ id: params.id })
  })

  app.post('/mails', async request => {
    await request.app.tasks.spawn('send mail', async () => {
      throw new Error('the mail server is down')
    })
    return text('accepted', { status: 202 })
  })

  app.get('/metrics', async () => {
    const body = await registry.metrics()
    return new Response(body, { headers: { 'content-type': registry.contentType } })
  })

  return app
}
