import { Application, createLogger, fetchHandler } from '@allium/core'
import { testClient } from '@allium/testing'
import { Hono } from 'hono'

import { overEachTransport } from './transports.ts'

function quietApp(): { app: Application; lines: string[] } {
  const lines: string[] = []
  return { app: new Application({ logger: createLogger('error', line => lines.push(line)) }), lines }
}

overEachTransport('fetchHandler', (t, transport) => {
  t.test('hands over the request and sends the answer', async t => {
    const app = new Application()
    app.any(
      '/*',
      fetchHandler(async request => {
        const body = await request.text()
        return globalThis.Response.json({
          method: request.method,
          url: request.url,
          kind: request.headers.get('x-kind'),
          body,
        })
      }),
    )
    const client = await testClient(t, app, { transport })

    const response = await client.post('/a?b=c', { body: 'hello', headers: { 'x-kind': 'test' } })

    t.match(await response.json(), { method: 'POST', url: /\/a\?b=c$/, kind: 'test', body: 'hello' })
    t.match(await (await client.get('/')).json(), { method: 'GET', body: '' })
    t.match(await (await client.post('/')).json(), { method: 'POST', body: '' })
  })

  t.test('reads no more than the body limit', async t => {
    const { app } = quietApp()
    app.post(
      '/',
      fetchHandler(async request => new globalThis.Response(await request.text())),
      { bodyLimit: 10 },
    )
    const client = await testClient(t, app, { transport })

    t.equal((await client.post('/', { body: 'x'.repeat(11) })).status, 413)
  })

  t.test('runs a Hono application', async t => {
    const inner = new Hono()
    inner.get('/users/:id', context => context.json({ id: context.req.param('id') }))
    inner.post('/echo', async context => context.text(await context.req.text(), 201))
    const app = new Application()
    app.any(
      '/*',
      fetchHandler(request => inner.fetch(request)),
    )
    const client = await testClient(t, app, { transport })

    t.same(await (await client.get('/users/7')).json(), { id: '7' })
    const posted = await client.post('/echo', { body: 'said' })
    t.same([posted.status, await posted.text()], [201, 'said'])
    t.equal((await client.get('/nowhere')).status, 404)
  })
})
