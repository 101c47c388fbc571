import { Application, AppRunner, createLogger, Response, StreamResponse, text } from '@allium/core'
import type { Request } from '@allium/core'
import { limitConcurrency, timeout } from '@allium/core/middlewares'
import type { LimitConcurrencyOptions } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

interface Setup {
  readonly app: Application
  /** Requests that have come. */
  readonly requests: Request[]
  /** Those that are, or were, worked on. */
  readonly begun: string[]
  /** Lets the oldest handler go on. */
  readonly finish: () => void
}

function createApp(options: LimitConcurrencyOptions): Setup {
  const requests: Request[] = []
  const begun: string[] = []
  const running: (() => void)[] = []
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.use((request, next) => {
    requests.push(request)
    return next(request)
  }, limitConcurrency(options))
  app.get('/:id', async ({ params }) => {
    begun.push(params.id)
    await new Promise<void>(resolve => running.push(resolve))
    return text(params.id)
  })
  app.get('/fails', () => Promise.reject(new Error('secret')))
  return { app, requests, begun, finish: () => running.shift()!() }
}

overEachTransport('limitConcurrency', (t, transport) => {
  t.test('lets so many through, then those that wait, and refuses the rest', async t => {
    const { app, requests, begun, finish } = createApp({
      max: 2,
      maxWaiting: 2,
      waitTimeout: 5000,
      retryAfter: 3,
    })
    const client = await testClient(t, app, { transport })
    const answers = []
    for (const id of ['1', '2', '3', '4']) {
      answers.push(client.get(`/${id}`))
      await until(() => requests.length === answers.length)
    }
    const refused = await client.get('/5')

    t.equal(`${refused.status} ${refused.headers.get('retry-after')}`, '503 3')
    t.strictSame(begun, ['1', '2'])
    for (const count of [3, 4]) {
      finish()
      await until(() => begun.length === count)
    }
    finish()
    finish()
    for (const answer of answers) t.equal((await answer).status, 200)
    t.strictSame(begun, ['1', '2', '3', '4'])
  })

  t.test('gives the place of whoever fails, or has prepared, to the next one', async t => {
    const { app } = createApp({ max: 1, maxWaiting: 0 })
    let end!: () => void
    app.get('/stream', async request => {
      const stream = new StreamResponse()
      await stream.prepare(request)
      await new Promise<void>(resolve => (end = resolve))
      return stream
    })
    app.get(
      '/iterated',
      () =>
        new Response(
          (async function* () {
            await new Promise<void>(resolve => (end = resolve))
            yield 'x'
          })(),
        ),
    )
    const client = await testClient(t, app, { transport })

    for (let repeats = 0; repeats < 3; repeats++) t.equal((await client.get('/fails')).status, 500)
    for (const path of ['/stream', '/iterated']) {
      const response = await client.get(path)
      t.equal((await client.get('/fails')).status, 500, path)
      end()
      await response.text()
    }
  })

  t.test('never works on a request whose client has gone while it waited', async t => {
    const { app, requests, begun, finish } = createApp({ max: 1, waitTimeout: 5000 })
    const client = await testClient(t, app, { transport })
    const first = client.get('/first')
    await until(() => begun.length === 1)
    const leaving = new AbortController()
    const gone = client.get('/gone', { signal: leaving.signal })
    await until(() => requests.length === 2)
    leaving.abort()
    await t.rejects(gone)
    await until(() => requests[1]!.signal.aborted)
    const last = client.get('/last')
    await until(() => requests.length === 3)
    finish()
    await until(() => begun.length === 2)
    finish()

    t.equal((await first).status, 200)
    t.equal((await last).status, 200)
    t.strictSame(begun, ['first', 'last'])
  })
})

t.test('a request that has waited too long is refused, and takes no place', async t => {
  const { app, begun, finish } = createApp({ max: 1, waitTimeout: 20 })
  const client = await testClient(t, app)
  const first = client.get('/first')
  await until(() => begun.length === 1)

  t.equal((await client.get('/waiting')).status, 503)
  finish()
  t.equal((await first).status, 200)
  const again = client.get('/again')
  await until(() => begun.length === 2)
  finish()
  t.equal((await again).status, 200)
})

t.test('a request that waits is answered although the server stops', async t => {
  const { app, requests, begun, finish } = createApp({ max: 1, waitTimeout: 5000 })
  const runner = new AppRunner(app)
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })
  const answers = [fetch(`${url}/1`)]
  await until(() => begun.length === 1)
  answers.push(fetch(`${url}/2`))
  await until(() => requests.length === 2)
  const stopped = runner.stop()
  finish()
  await until(() => begun.length === 2)
  finish()

  for (const answer of answers) t.equal((await answer).status, 200)
  await stopped
})

t.test('a timeout outside of it ends the waiting', async t => {
  const { app, begun, finish } = createApp({ max: 1, waitTimeout: 5000 })
  const outer = new Application({ logger: createLogger('error', () => {}), middlewares: [timeout(50)] })
  outer.mount('/in', app)
  const client = await testClient(t, outer)
  const answers = [client.get('/in/1'), client.get('/in/2')]

  for (const answer of answers) t.equal((await answer).status, 503)
  finish()
  t.equal(begun.length, 1)
})

t.test('limits of concurrency are whole numbers', async t => {
  for (const options of [
    { max: 0 },
    { max: 1.5 },
    { max: Infinity },
    { max: 1, maxWaiting: -1 },
    { max: 1, waitTimeout: NaN },
    { max: 1, retryAfter: -1 },
  ]) {
    t.throws(() => limitConcurrency(options), RangeError, JSON.stringify(options))
  }
})

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await new Promise(resolve => setImmediate(resolve))
}
