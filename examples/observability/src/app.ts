import { Application, HttpNotFound, json, text } from '@allium/core'
import type { Logger } from '@allium/core'
import { trace } from '@opentelemetry/api'

/** A shop whose every step can be watched. */
export function createApp(logger: Logger): Application {
  const app = new Application({ name: 'shop', logger })

  app.use(async function addTraceId(request, next) {
    const response = await next(request)
    response.headers.set('x-trace-id', trace.getActiveSpan()?.spanContext().traceId ?? 'none')
    return response
  })

  app.get('/orders/:id', async function showOrder({ params }) {
    if (params.id === '0') throw new HttpNotFound('There is no such order')
    return json({ id: params.id })
  })

  app.post('/orders', async function order(request) {
    request.app.logger.info({ path: request.path }, 'An order has come')
    await request.app.tasks.spawn('send mail', async () => {
      trace.getActiveSpan()?.addEvent('sent')
    })
    return text('ordered', { status: 202 })
  })

  app.get('/broken', function broken() {
    throw new TypeError('the price is missing')
  })

  return app
}
