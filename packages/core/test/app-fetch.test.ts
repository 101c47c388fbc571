import { Application, json, Response, text } from '@allium/core'
import t from 'tap'
import type { Test } from 'tap'

async function started(t: Test): Promise<Application> {
  const app = new Application()
  app.get('/', () => text('hello'))
  app.get('/stream', () => new Response(new Blob(['str', 'eam']).stream()))
  app.post('/echo', async request => json(await request.json()))
  await app.startup()
  t.teardown(() => app.cleanup())
  return app
}

t.test('app.fetch', async t => {
  t.test('answers a Fetch request with a Fetch response', async t => {
    const app = await started(t)

    const response = await app.fetch(new Request('http://example.com/'))

    t.ok(response instanceof globalThis.Response)
    t.same([response.status, await response.text()], [200, 'hello'])
    t.equal(await (await app.fetch(new Request('http://example.com/stream'))).text(), 'stream')
    t.equal((await app.fetch(new Request('http://example.com/', { method: 'HEAD' }))).status, 200)
    t.equal((await app.fetch(new Request('http://example.com/', { method: 'OPTIONS' }))).status, 204)
  })

  t.test('sends the body, as text or as a stream, under the same limits as from a network', async t => {
    const app = await started(t)
    const post = (body: string | ReadableStream) => {
      const headers = { 'content-type': 'application/json', host: 'other.example' }
      const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, headers, duplex: 'half' }
      return app.fetch(new Request('http://example.com/echo', init))
    }

    t.same(await (await post('{"a":1}')).json(), { a: 1 })
    t.same(await (await post(new Blob(['{"a":', '2}']).stream())).json(), { a: 2 })
    t.equal((await post('x'.repeat(2 * 1024 * 1024))).status, 413)
  })

  t.test('ends with its AbortSignal, and with a body that fails', async t => {
    const app = new Application()
    app.any('/', async request => {
      await request.app.clock.delay(60_000, { signal: request.signal }).catch(() => {})
      return text('late')
    })
    await app.startup()
    t.teardown(() => app.cleanup())
    const abort = new AbortController()
    const pending = app.fetch(new Request('http://example.com/', { signal: abort.signal }))
    setTimeout(() => abort.abort(new Error('enough')), 20)

    await t.rejects(pending, { message: 'enough' })
    await t.rejects(
      app.fetch(new Request('http://example.com/', { signal: AbortSignal.abort(new Error('at once')) })),
      {
        message: 'at once',
      },
    )
    const failing = new ReadableStream({ pull: controller => controller.error(new Error('source gone')) })
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body: failing, duplex: 'half' }
    await t.rejects(app.fetch(new Request('http://example.com/', init)))
  })

  t.test('needs an application that was started', async t => {
    const app = new Application()
    await t.rejects(app.fetch(new Request('http://example.com/')), { code: 'ERR_APP_NOT_STARTED' })
  })
})

t.test('app.fetch() asks for no other protocol', async t => {
  const app = new Application()
  app.get('/', request => json({ upgradable: request.isUpgradable }))
  await app.startup()
  t.teardown(() => app.cleanup())
  const headers = { connection: 'upgrade', upgrade: 'websocket' }

  const response = await app.fetch(new Request('http://localhost/', { headers }))

  t.same(await response.json(), { upgradable: false })
})
