import { gzipSync } from 'node:zlib'

import { Application, json, redirect, Response, text } from '@allium/core'
import t from 'tap'

import { testClient } from './client-for-runner.ts'

function createApp(): Application {
  const app = new Application()
  app.get('/', () => text('hello', { headers: { 'x-a': '1' } }))
  app.any('/echo', async request => {
    const { method, host } = request
    const body = await request.text()
    return json({ method, host, body, length: request.contentLength, type: request.contentType })
  })
  app.get('/gzip', () => new Response(gzipSync('packed'), { headers: { 'content-encoding': 'gzip' } }))
  app.get('/away', () => redirect('/', 302))
  app.get('/hang', ({ signal }) => new Promise(resolve => (signal.onabort = () => resolve(text('')))))
  app.get('/nothing', () => new Response(null, { status: 204 }))
  return app
}

t.test('TestClient.fetch', async t => {
  t.test('answers as fetch does, and may be handed on', async t => {
    const { fetch } = await testClient(t, createApp())
    const response = await fetch('/')

    t.ok(response instanceof globalThis.Response)
    t.same([response.status, response.ok, response.url], [200, true, 'http://localhost/'])
    t.equal(response.headers.get('x-a'), '1')
    t.equal(await response.text(), 'hello')
  })

  t.test('takes URLs and requests, of any host', async t => {
    const { fetch } = await testClient(t, createApp())
    const request = new globalThis.Request('http://api.example.com/echo', { method: 'POST', body: 'a' })

    t.match(await (await fetch(request)).json(), { method: 'POST', host: 'api.example.com', body: 'a' })
    t.match(await (await fetch(new URL('http://localhost/echo'))).json(), { method: 'GET' })
  })

  t.test('sends bodies with their length and type, streams in chunks', async t => {
    const { fetch } = await testClient(t, createApp())
    const fields = new URLSearchParams({ a: '1' })
    const stream = new Blob(['streamed']).stream()
    const whole = await (await fetch('/echo', { method: 'PUT', body: fields })).json()
    const chunked = await (await fetch('/echo', { method: 'POST', body: stream, duplex: 'half' })).json()

    t.same(whole, {
      method: 'PUT',
      host: 'localhost',
      body: 'a=1',
      length: 3,
      type: 'application/x-www-form-urlencoded',
    })
    t.match(chunked, { body: 'streamed' })
    t.notOk('length' in (chunked as object))
  })

  t.test('undoes a content coding', async t => {
    const { fetch } = await testClient(t, createApp())

    t.equal(await (await fetch('/gzip')).text(), 'packed')
  })

  t.test('follows redirects unless it is told not to', async t => {
    const { fetch } = await testClient(t, createApp())
    const followed = await fetch('/away')
    const manual = await fetch('/away', { redirect: 'manual' })

    t.same([followed.status, followed.redirected], [200, true])
    t.same([manual.status, manual.headers.get('location')], [302, '/'])
    await t.rejects(fetch('/away', { redirect: 'error' }), new TypeError('fetch failed'))
  })

  t.test('is aborted by its AbortSignal, and by the timeout of the client', async t => {
    const { fetch } = await testClient(t, createApp(), { timeout: 30 })
    const leaving = new AbortController()
    const sent = fetch('/hang', { signal: leaving.signal })
    leaving.abort()

    await t.rejects(sent, { name: 'AbortError' })
    await t.rejects(fetch('/hang'), { name: 'TypeError', cause: { name: 'TimeoutError' } })
  })

  t.test('a response without a body has none', async t => {
    const { fetch } = await testClient(t, createApp())

    t.equal((await fetch('/nothing')).body, null)
    t.equal((await fetch('/', { method: 'HEAD' })).body, null)
  })
})
