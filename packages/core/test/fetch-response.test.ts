import { Application, AppRunner, createLogger, Response } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

function silentApp(): { app: Application; lines: string[] } {
  const lines: string[] = []
  return { app: new Application({ logger: createLogger('warn', line => lines.push(line)) }), lines }
}

overEachTransport('a handler', (t, transport) => {
  t.test('may answer with a Fetch Response, which middlewares see as one of ours', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      t.ok(response instanceof Response)
      response.headers.set('x-seen', '1')
      return response
    })
    app.get('/', () => {
      const headers = new globalThis.Headers({ 'x-own': 'yes' })
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      return new globalThis.Response('fetched', { status: 201, statusText: 'Made', headers })
    })
    app.get('/async', async () => globalThis.Response.json({ a: 1 }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.same([response.status, await response.text()], [201, 'fetched'])
    t.same([response.headers.get('x-own'), response.headers.get('x-seen')], ['yes', '1'])
    t.same(response.headers.getSetCookie(), ['a=1', 'b=2'])
    t.same(await (await client.get('/async')).json(), { a: 1 })
  })

  t.test('cannot answer with a Fetch Response that is an error or was read', async t => {
    const { app, lines } = silentApp()
    app.get('/error', () => globalThis.Response.error())
    app.get('/read', async () => {
      const response = new globalThis.Response('x')
      await response.text()
      return response
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/error')).status, 500)
    t.equal((await client.get('/read')).status, 500)
    t.match(lines.join(''), /Response.error\(\): it has no status.*was read already/s)
  })

  t.test('may pass on what fetch() received, without the coding that fetch() has undone', async t => {
    const app = new Application()
    const origin = new Application()
    const { gzipSync } = await import('node:zlib')
    origin.get('/', () => new Response(gzipSync('unpacked'), { headers: { 'content-encoding': 'gzip' } }))
    await using upstream = new AppRunner(origin)
    await upstream.startup()
    const { url } = await upstream.listen({ host: '127.0.0.1', port: 0 })
    app.get('/', () => fetch(url))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('content-encoding'), null)
    t.equal(await response.text(), 'unpacked')
  })
})
