import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import t from 'tap'

import { Application, eventStream, text } from '@allium/core'
import { rateLimit, timeout } from '@allium/core/middlewares'
import { testClient, VirtualClock } from '@allium/testing'

t.test('a handler that waits for the clock goes on at its moment', async t => {
  const app = new Application()
  app.get('/', async ({ app }) => {
    await app.clock.delay(60_000)
    return text(String(app.clock.elapsed()))
  })
  const client = await testClient(t, app, { clock: 'virtual' })
  let answers = 0
  const response = client.get('/').finally(() => answers++)

  await client.advance(59_999)
  t.equal(answers, 0)
  await client.advance(1)
  t.equal(answers, 1)
  t.equal(await (await response).text(), '60000')
})

t.test('an event stream is pinged when it was silent for long enough, to the millisecond', async t => {
  const app = new Application()
  app.get('/events', () => eventStream(({ signal }) => silence(signal), { ping: 15_000 }))
  const client = await testClient(t, app, { clock: 'virtual' })
  const { body } = await client.get('/events')
  let received = ''
  body.on('data', chunk => (received += chunk))

  await client.advance(14_999)
  t.equal(received, '')
  await client.advance(1)
  t.equal(received, ': ping\n\n')
  await client.advance(60 * 60 * 1000)
  t.equal(received, ': ping\n\n'.repeat(241))
})

t.test('a time limit answers at its moment', async t => {
  const app = new Application()
  app.use(timeout(1000))
  app.get('/', async request => {
    await once(request.signal, 'abort')
    return text('too late')
  })
  const client = await testClient(t, app, { clock: 'virtual' })
  const response = client.get('/')
  await client.advance(1000)

  t.equal((await response).status, 503)
})

t.test('the window of a rate limit passes', async t => {
  const app = new Application()
  app.use(rateLimit({ limit: 2, window: 60_000 }))
  app.get('/', () => text('hello'))
  const client = await testClient(t, app, { clock: 'virtual' })
  const statuses = async (count: number) => {
    const found: number[] = []
    for (let n = 0; n < count; n++) found.push((await client.get('/')).status)
    return found
  }

  t.same(await statuses(3), [200, 200, 429])
  await client.advance(29_999)
  t.same(await statuses(1), [429])
  await client.advance(1)
  t.same(await statuses(2), [200, 429])
})

t.test('an idle connection is closed when its time is over', async t => {
  const app = new Application()
  app.get('/', () => text('hello'))
  const client = await testClient(t, app, {
    clock: 'virtual',
    transport: 'memory',
    runner: { keepAliveTimeout: 75_000 },
  })
  const connection = client.connect()
  let isClosed = false
  void connection.closed.then(() => (isClosed = true))
  await connection.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await connection.receiveUntil('hello')
  await client.settle()

  await client.advance(74_999)
  t.equal(isClosed, false)
  await client.advance(2000) // Node adds a second, so that a request on its way is not cut
  t.equal(isClosed, true)
})

t.test('the AbortSignal of a task fires at its time limit', async t => {
  const app = new Application()
  const ended: number[] = []
  app.post('/', async ({ app }) => {
    await app.tasks.spawn(
      'slow',
      signal =>
        new Promise<void>(resolve => (signal.onabort = () => resolve(void ended.push(app.clock.elapsed())))),
      { timeout: 5000 },
    )
    return text('spawned')
  })
  const client = await testClient(t, app, { clock: 'virtual' })
  await client.post('/')
  await client.advance(10_000)

  t.same(ended, [5000])
})

t.test('startup and clean-up may wait for the clock', async t => {
  const app = new Application()
  const times: number[] = []
  app.cleanupContexts.add(async function* ({ clock }) {
    await clock.delay(5)
    times.push(clock.elapsed())
    yield
    await clock.delay(5)
    times.push(clock.elapsed())
  })
  const client = await testClient(t, app, { clock: 'virtual' })
  await client.advance(1000)
  await client.close()

  t.same(times, [5, 1010])
})

t.test('a clock of one’s own says what day it is, and forks advance the same one', async t => {
  const app = new Application()
  app.get('/', ({ app }) => text(new Date(app.clock.now()).toISOString()))
  const clock = new VirtualClock({ now: new Date('2030-01-01T00:00:00Z') })
  const client = await testClient(t, app, { clock })
  await client.fork().advance(1000)

  t.equal(await (await client.get('/')).text(), '2030-01-01T00:00:01.000Z')
})

t.test('calls that overlap advance one after the other', async t => {
  const app = new Application()
  const client = await testClient(t, app, { clock: 'virtual' })
  await Promise.all([client.advance(10), client.advance(20)])

  t.equal(app.clock.elapsed(), 30)
  await t.rejects(client.advance(-1), RangeError)
  await client.advance(1)
  t.equal(app.clock.elapsed(), 31)
})

t.test('the machine’s time is not advanced, and the message says how it could be', async t => {
  const client = await testClient(t, new Application())

  await t.rejects(client.advance(1000), {
    name: 'TypeError',
    message: 'Cannot advance the time: it is that of the machine; start the client with { clock: "virtual" }',
  })
})

t.test('settle() waits for files and turns of the event loop', async t => {
  const app = new Application()
  let isDone = false
  app.post('/', async () => {
    await readFile(new URL(import.meta.url))
    for (let n = 0; n < 10; n++) await new Promise(resolve => setImmediate(resolve))
    isDone = true
    return text('done')
  })
  const client = await testClient(t, app)
  void client.post('/')
  await client.settle()

  t.equal(isDone, true)
})

t.test('settle() leaves alone what waits for somebody else', async t => {
  const app = new Application()
  let finish = (): void => {}
  app.get('/', () => new Promise(resolve => (finish = () => resolve(text('done')))))
  const client = await testClient(t, app)
  const response = client.get('/')
  await client.settle()
  finish()

  t.equal(await (await response).text(), 'done')
})

t.test('settle() tells what never comes to rest', async t => {
  const app = new Application()
  let isOver = false
  const spin = () => void (isOver || setImmediate(spin))
  app.get('/', () => {
    spin()
    return text('spinning')
  })
  const client = await testClient(t, app, { timeout: 100 })
  await client.get('/')

  await t.rejects(client.settle(), {
    message: 'The application did not come to rest within 100 ms: in progress are Immediate',
  })
  isOver = true
})

// eslint-disable-next-line require-yield -- nothing ever happens here
async function* silence(signal: AbortSignal): AsyncGenerator<string> {
  await new Promise(resolve => signal.addEventListener('abort', resolve))
}
