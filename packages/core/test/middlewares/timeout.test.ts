import { Application, createLogger, RequestAborted, Response, StreamResponse, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { timeout } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

function createApp(...middlewares: Middleware[]): { app: Application; lines: string[] } {
  const lines: string[] = []
  const app = new Application({ logger: createLogger('warn', line => lines.push(line)), middlewares })
  return { app, lines }
}

overEachTransport('timeout', (t, transport) => {
  t.test('answers 503 in time, logs one line, and tells the handler why', async t => {
    const { app, lines } = createApp(timeout(20))
    const reasons: unknown[] = []
    app.get('/slow/:id', async request => {
      await once(request.signal, 'abort')
      reasons.push(request.signal.reason)
      throw request.signal.reason
    })
    app.get('/fast', () => text('fast'))
    app.get('/soon', async () => text('soon'))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/slow/1')

    t.equal(response.status, 503)
    t.match(reasons, [{ abortCause: 'timeout' }])
    t.equal(lines.length, 1)
    t.match(lines[0], /WARN A request timed out method=GET path=\/slow\/1 route=\/slow\/:id milliseconds=20/)
    t.equal(await (await client.get('/fast')).text(), 'fast')
    t.equal(await (await client.get('/soon')).text(), 'soon')
  })

  t.test('closes what is answered too late (P16)', async t => {
    const { app } = createApp(timeout(20))
    const late = new Readable({ read() {} })
    let goOn!: () => void
    app.get('/', async () => {
      await new Promise<void>(resolve => (goOn = resolve))
      return new Response(late)
    })
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')
    goOn()
    if (!late.destroyed) await once(late, 'close')

    t.equal(response.status, 503)
    t.ok(late.destroyed)
  })

  t.test('lets nothing further in begin after it, and blames nobody', async t => {
    let goOn!: () => void
    let passed: Promise<Response> | undefined
    const { app, lines } = createApp(timeout(20), async (request, next) => {
      await new Promise<void>(resolve => (goOn = resolve))
      return (passed = Promise.resolve().then(() => next(request)))
    })
    let runs = 0
    app.get('/', () => text(String(++runs)))
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/')).status, 503)
    goOn()
    while (!passed) await new Promise(resolve => setImmediate(resolve))
    await t.rejects(passed, new RequestAborted('timeout'))
    t.equal(runs, 0)
    t.equal(lines.length, 1)
  })

  t.test('does not cut what has begun to leave', async t => {
    const { app } = createApp(timeout(20))
    app.get('/written', async request => {
      const stream = new StreamResponse()
      await stream.prepare(request)
      await new Promise(resolve => setTimeout(resolve, 40))
      await stream.write(request.signal.aborted ? 'cut' : 'whole')
      return stream
    })
    app.get('/iterated', request => {
      return new Response(
        (async function* () {
          await new Promise(resolve => setTimeout(resolve, 40))
          yield request.signal.aborted ? 'cut' : 'whole'
        })(),
      )
    })
    const client = await testClient(t, app, { transport })

    for (const path of ['/written', '/iterated'])
      t.equal(await (await client.get(path)).text(), 'whole', path)
  })

  t.test('gives way to that of a route', async t => {
    const { app } = createApp(timeout(20))
    const wait = async () => {
      await new Promise(resolve => setTimeout(resolve, 50))
      return text('done')
    }
    app.get('/longer', wait, { timeout: 5000 })
    app.get('/unlimited', wait, { timeout: Infinity })
    app.get('/shorter', request => once(request.signal, 'abort').then(() => text('late')), { timeout: 1 })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/longer')).status, 200)
    t.equal((await client.get('/unlimited')).status, 200)
    t.equal((await client.get('/shorter')).status, 503)
  })
})

t.test('a route has its timeout without any middleware', async t => {
  const { app } = createApp()
  app.get(
    '/',
    async request => {
      await once(request.signal, 'abort')
      return text('too late')
    },
    { timeout: 10 },
  )
  const client = await testClient(t, app)

  t.equal((await client.get('/')).status, 503)
})

t.test('a timeout is a time that a timer can measure', async t => {
  for (const milliseconds of [0, -1, NaN, Infinity]) t.throws(() => timeout(milliseconds), RangeError)
  const { app } = createApp()
  t.throws(() => app.get('/', () => text('x'), { timeout: 0 }), RangeError)
})
