import { once } from 'node:events'

import { AppKey, Application, RequestKey, json, text } from '@allium/core'
import type { Next, Request } from '@allium/core'
import { makeRequest, VirtualClock } from '@allium/testing'
import t from 'tap'

const greeting = new AppKey<string>('greeting')
const user = new RequestKey<string>('user')

t.test('a handler gets the params of its path, decoded as routes decode them', async t => {
  const show = async ({ params }: Request<{ id: string }>) => json(params)
  const request = await makeRequest(t, '/users/:id', { params: { id: 'a b/c' } })

  t.equal((await show(request)).body, '{"id":"a b/c"}')
  t.equal(request.path, '/users/a b%2Fc')
  t.equal(request.route?.path, '/users/:id')
})

t.test('method, query, headers, cookies and address are what was asked for', async t => {
  const request = await makeRequest(t, '/search', {
    method: 'DELETE',
    query: { q: 'ada' },
    headers: { 'x-key': '1', cookie: 'a=b', host: 'example.com' },
    remoteAddress: '203.0.113.9',
    encrypted: true,
  })

  t.equal(request.method, 'DELETE')
  t.equal(request.query.get('q'), 'ada')
  t.equal(request.headers.get('x-key'), '1')
  t.same(request.cookies, { a: 'b' })
  t.same([request.host, request.scheme, request.remote], ['example.com', 'https', '203.0.113.9'])
})

t.test('a body is read as from a network, limits included', async t => {
  const given = await makeRequest(t, '/', { method: 'POST', json: { name: 'Ada' } })
  const large = await makeRequest(t, '/', { method: 'POST', body: 'x'.repeat(100), bodyLimit: 10 })
  const form = await makeRequest(t, '/', {
    method: 'POST',
    multipart: { file: new File(['notes'], 'notes.txt') },
  })

  t.same(await given.json(), { name: 'Ada' })
  await t.rejects(large.text(), /Content Too Large|larger/)
  t.equal((await form.form()).getFile('file')?.filename, 'notes.txt')
})

t.test('a middleware is called with a "next" of the test', async t => {
  async function signIn(request: Request, next: Next) {
    request.state.set(user, 'ada')
    return next(request)
  }
  const request = await makeRequest(t, '/')
  const response = await signIn(request, async request => text(request.state.get(user)))

  t.equal(response.body, 'ada')
})

t.test('the application has the given state and clock', async t => {
  const clock = new VirtualClock()
  const request = await makeRequest(t, '/', { state: [[greeting, 'hello']], clock })

  t.equal(request.app.state.get(greeting), 'hello')
  t.equal(request.app.clock, clock)
})

t.test('an application of the test stands for that of the request', async t => {
  const app = new Application({ name: 'shop' })
  app.state.set(greeting, 'from the shop')
  app.get('/carts/:id', () => text(''), { name: 'cart' })
  const request = await makeRequest(t, '/', { app })

  t.equal(request.app.state.get(greeting), 'from the shop')
  t.equal(request.app.url('cart', { id: 7 }), '/carts/7')
})

t.test('an application and a state contradict each other', async t => {
  const app = new Application()

  await t.rejects(makeRequest(t, '/', { app, state: [[greeting, '']] }), /"app" and "state"/)
  await t.rejects(makeRequest(t, '/', { app, clock: 'virtual' }), /"app" and "clock"/)
})

t.test('the AbortSignal fires when the client leaves', async t => {
  const leaving = new AbortController()
  const request = await makeRequest(t, '/', { signal: leaving.signal })
  t.equal(request.signal.aborted, false)
  leaving.abort()
  if (!request.signal.aborted) await once(request.signal, 'abort')

  t.match(request.signal.reason, { abortCause: 'client gone' })
})

t.test('the request is over when the test is', async t => {
  const over: string[] = []
  await t.test('of which it is', async t => {
    const request = await makeRequest(t, '/')
    request.onFinish(() => over.push('finished'))
    t.same(over, [])
  })

  t.same(over, ['finished'])
})

t.test('what a server refuses is no request', async t => {
  await t.rejects(makeRequest(t, '/', { headers: { x: 'x'.repeat(20_000) } }), /refused it with 431/)
  await t.rejects(makeRequest(t, '/', { headers: { 'x y': '1' } }), /Header name must be a valid HTTP token/)
})
