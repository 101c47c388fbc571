import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'

import { Application, eventStream, Response, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { memorySocketPair } from '@allium/core/memory-socket'
import { TestClient, testClient } from '@allium/testing'

const forever = new Promise<never>(() => {})

async function logging(request: Parameters<Middleware>[0], next: Parameters<Middleware>[1]) {
  return next(request)
}

/** What a request fails with, and the application as it was left by that. */
async function failureOf(app: Application, path = '/'): Promise<{ message: string; milliseconds: number }> {
  const client = await TestClient.start(app)
  const start = performance.now()
  const message = await client.get(path).then(
    response => response.text(),
    (error: unknown) => (error as Error).message,
  )
  const milliseconds = performance.now() - start
  await client.close()
  return { message, milliseconds }
}

t.test('a handler that never answers fails at once, with its route and for how long', async t => {
  const app = new Application()
  app.use(logging)
  app.get('/orders/:id', async function order() {
    return forever
  })
  const { message, milliseconds } = await failureOf(app, '/orders/7')

  t.match(message, /^GET \/orders\/7 failed: nothing goes on any more that could answer it\n/)
  t.match(message, /\n {4}route GET \/orders\/:id\n/)
  t.match(message, /\n {4}middleware 1 "logging" waits for next\(\) since \d+ ms\n/)
  t.match(message, /\n {4}handler "order" has not answered for \d+ ms$/)
  t.ok(milliseconds < 5000, 'before the timeout')
})

t.test('a middleware that neither answers nor calls next() is named, with its place', async t => {
  const app = new Application()
  app.use(logging)
  app.use(async function auth() {
    return forever
  })
  app.get('/', () => text('hello'))
  const { message } = await failureOf(app)

  t.match(message, /middleware 1 "logging" waits for next\(\) since/)
  t.match(message, /middleware 2 "auth" has not called next\(\) for \d+ ms$/)
})

t.test('a middleware that does not go on when next() has answered is named', async t => {
  const app = new Application()
  app.use(async function audit(request, next) {
    await next(request)
    return forever
  })
  app.get('/', () => text('hello'))
  const { message } = await failureOf(app)

  t.match(message, /middleware 1 "audit" has not gone on for \d+ ms, since next\(\) answered\n/)
  t.match(message, /handler "anonymous" answered after/)
})

t.test('a body that never ends fails its reader', async t => {
  const app = new Application()
  async function* chunks() {
    yield 'begun'
    await forever
  }
  app.get('/', () => new Response(chunks()))
  const client = await testClient(t, app)
  client.allowLeaks({ streams: 'this is about the request' })
  const message =
    /^The body of GET .+ does not end: nothing goes on [^]+ the answer has not ended for \d+ ms$/

  await t.rejects(client.get('/').text(), { message, name: 'TimeoutError' })
})

t.test('an event that nobody sends fails who waits for it', async t => {
  const app = new Application()
  app.get('/', () =>
    eventStream(async function* ({ signal }) {
      yield 'first'
      await once(signal, 'abort')
    }),
  )
  const events = await (await testClient(t, app)).events('/')
  await events.next()

  await t.rejects(events.next(), { message: /^No event of GET .+ comes: nothing goes on any more/ })
})

t.test('virtual time that nobody advances is named, with the line that waits for it', async t => {
  const app = new Application()
  app.get('/', async ({ app }) => {
    await app.clock.delay(60_000)
    return text('late')
  })
  const client = await testClient(t, app, { clock: 'virtual' })
  const message =
    /a timer of app.clock is due in 60000 ms, once the test has called client.advance\(\)\n.+unanswered/

  await t.rejects(client.get('/'), { message })
  await client.advance(60_000)
})

t.test('a request that waits behind nothing but a task names the task', async t => {
  const app = new Application()
  app.get('/', async ({ app }) => {
    const task = await app.tasks.spawn('report', signal => once(signal, 'abort'))
    await task.ended
    return text('done')
  })
  const { message } = await failureOf(app)

  t.match(message, /task "report" is running\n.+unanswered/)
})

t.test('whatever may still bring an answer is waited for', async t => {
  const elsewhere = createServer(socket => setTimeout(() => socket.end('pong'), 250))
  elsewhere.listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  t.teardown(() => elsewhere.close())
  const { port } = elsewhere.address() as AddressInfo
  const app = new Application()
  app.get('/timer', async () => text(await delay(250, 'timer')))
  app.get('/unref', async () => text(await delay(250, 'unref', { ref: false })))
  app.get(
    '/clock',
    ({ app }) => new Promise(resolve => app.clock.setTimer(() => resolve(text('clock')), 250)),
  )
  app.get('/network', async () => {
    const { connect } = await import('node:net')
    const socket = connect(port, '127.0.0.1')
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return text(String(bytes))
  })
  app.get('/threads', async () => {
    const { scryptSync } = await import('node:crypto')
    const { scrypt } = await import('node:crypto')
    scryptSync('password', 'salt', 16)
    await new Promise(resolve => scrypt('password', 'salt', 16, { N: 2 ** 17, maxmem: 2 ** 28 }, resolve))
    return text('threads')
  })
  const client = await testClient(t, app)

  for (const name of ['timer', 'unref', 'clock', 'threads'])
    t.equal(await client.get(`/${name}`).text(), name)
  t.equal(await client.get('/network').text(), 'pong')
})

t.test('the idle time of a socket in memory is waited for', async t => {
  const app = new Application()
  app.get('/', async () => {
    await once(memorySocketPair().client.setTimeout(250), 'timeout')
    return text('idle')
  })
  const client = await testClient(t, app)

  t.equal(await client.get('/').text(), 'idle')
})

t.test('a test that comes back to the request by itself is given the time', async t => {
  const app = new Application()
  let finish = (): void => {}
  app.get('/', () => new Promise(resolve => (finish = () => resolve(text('done')))))
  const client = await testClient(t, app)
  const response = client.get('/')
  setTimeout(() => finish(), 250)

  t.equal(await (await response).text(), 'done')
  const second = client.get('/')
  for (let n = 0; n < 30; n++) await readFile(new URL(import.meta.url))
  await client.settle()
  finish()
  t.equal(await (await second).text(), 'done')
})
