import { Application, createLogger, json, Response, text } from '@allium/core'
import type { ApplicationOptions } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

import { overEachTransport } from './transports.ts'

/** An application in debug mode, what it warns of, and what it tells of a blocked event loop, which any machine can be. */
function watchedApp(options: ApplicationOptions = { debug: true }) {
  const [warnings, blocked]: [string[], string[]] = [[], []]
  const logger = createLogger('warn', line =>
    (line.includes('the event loop') || line.includes('The event loop') ? blocked : warnings).push(line),
  )
  return { app: new Application({ ...options, logger }), warnings, blocked }
}

function later(milliseconds = 50): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

function blockFor(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

overEachTransport('debug mode', (t, transport) => {
  t.test('warns of a body that was not read, once for a route', async t => {
    const { app, warnings } = watchedApp()
    app.post('/unread/:id', () => text('thanks'))
    app.post('/read', async request => json(await request.json()))
    app.post('/refused', () => text('no', { status: 400 }))
    const client = await testClient(t, app, { transport })

    for (const path of ['/unread/1', '/unread/2', '/read', '/refused']) await client.post(path, { json: {} })
    await client.get('/unread/1')
    await client.post('/unread/3')
    await client.close()

    t.equal(warnings.length, 1)
    t.match(warnings[0], /WARN The body of a request was not read method=POST route=\/unread\/:id\n/)
  })

  t.test('warns of a cookie without HttpOnly, by its name and never by its value', async t => {
    const { app, warnings } = watchedApp()
    app.get('/', () => {
      const response = text('hello')
      response.cookies.set('theme', 'dark', { httpOnly: false })
      response.cookies.set('safe', 'yes')
      return response
    })
    const client = await testClient(t, app, { transport })

    await client.get('/')
    await client.get('/')
    await client.close()

    t.equal(warnings.length, 1)
    t.match(warnings[0], /A cookie was set without HttpOnly method=GET route=\/ cookie=theme\n/)
    t.notMatch(warnings[0], /dark/)
  })

  t.test('warns of a missing await, and shows where it was begun', async t => {
    const { app, warnings } = watchedApp()
    async function save(): Promise<void> {
      await later(20)
    }
    app.post('/forgetful', async () => {
      void save()
      return text('saved')
    })
    const client = await testClient(t, app, { transport })

    await client.post('/forgetful')
    await client.post('/forgetful')
    await later()
    await client.close()

    t.equal(warnings.length, 1)
    t.match(
      warnings[0],
      /A handler returned before what it had started has finished.*route=\/forgetful createdAt=.*save.*debug-watch\.test/,
    )
  })

  t.test('does not warn of what is awaited, handled, waited for, or done by the body', async t => {
    const { app, warnings } = watchedApp()
    app.get('/', async request => {
      await later(1)
      await Promise.all([later(1), later(2)])
      await Promise.race([later(1), later(100)])
      request.waitUntil(later(20))
      void later(20).catch(() => {})
      await request.app.tasks.spawn('mail', () => later(20))
      const early = later(20)
      return new Response(
        (async function* () {
          await early
          yield Buffer.from('done')
        })(),
      )
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'done')
    await later(150)
    await client.close()

    t.same(warnings, [])
  })

  t.test('names the handler that blocks the event loop, at once or after a while', async t => {
    const { app, blocked } = watchedApp()
    app.get('/sync/:id', function busy() {
      blockFor(130)
      return text('')
    })
    app.get('/async', async function busyLater() {
      await later(5)
      blockFor(130)
      return text('')
    })
    app.get('/quick', () => text(''))
    const client = await testClient(t, app, { transport })

    for (const path of ['/quick', '/sync/1', '/async', '/quick']) await client.get(path)
    await client.close()

    t.match(
      blocked.join(''),
      /The event loop was blocked blocked=\d{3,} by="handler \\"busy\\"" method=GET route=\/sync\/:id/,
    )
    t.match(blocked.join(''), /blocked=\d{3,} by="handler \\"busyLater\\"" method=GET route=\/async/)
  })

  t.test('names the middleware that blocks it', async t => {
    const { app, blocked } = watchedApp()
    app.use(async function hashing(request, next) {
      const response = await next(request)
      await later(1)
      blockFor(130)
      return response
    })
    app.get('/', () => text(''))
    const client = await testClient(t, app, { transport })

    await client.get('/')
    await client.close()

    t.match(blocked.join(''), /blocked=\d{3,} by="middleware \\"hashing\\"" method=GET route=\/\n/)
  })
})

t.test('debug mode names what it can of blocking where no route and no layer is to blame', async t => {
  const { app, blocked } = watchedApp()
  app.onResponsePrepare.add(async () => {
    await later(1)
    blockFor(130)
  })
  const client = await testClient(t, app)

  await client.get('/nowhere')
  await client.close()

  t.match(blocked.join(''), /blocked=\d{3,} by="a request" method=GET route="no route"/)
})

t.test('debug mode bears with handlers that go on when their time is over', async t => {
  const { app, warnings } = watchedApp()
  let ended = false
  app.use((request, next) => next(request))
  app.get(
    '/',
    async () => {
      await later(60)
      ended = true
      return text('too late')
    },
    { timeout: 10 },
  )
  const client = await testClient(t, app)

  t.equal((await client.get('/')).status, 503)
  while (!ended) await later(5)
  await later(5)
  await client.close()

  t.equal(warnings.length, 1)
  t.match(warnings[0], /A request timed out/)
})

t.test('debug mode tells of blocking outside of requests too', async t => {
  const { app, blocked } = watchedApp()
  await app.startup()

  await new Promise<void>(resolve =>
    setTimeout(() => {
      blockFor(130)
      resolve()
    }),
  )
  await later(1)
  await app.cleanup()

  t.match(blocked.join(''), /Something outside of requests has blocked the event loop blocked=\d{3,}/)
})

t.test('debug mode bears with a logger that fails', async t => {
  const broken = () => {
    throw new Error('disk full')
  }
  const app = new Application({
    debug: true,
    logger: { debug: broken, info: broken, warn: broken, error: broken },
  })
  app.post('/', () => text('fine'))
  const client = await testClient(t, app)

  t.equal((await client.post('/', { json: {} })).status, 200)
})

t.test('debug mode is over with its application, and another one can begin', async t => {
  const { app, warnings } = watchedApp()
  app.post('/', () => text(''))
  await (await testClient(t, app)).close()
  blockFor(130)
  await later(1)
  t.same(warnings, [])

  const client = await testClient(t, app)
  await client.post('/', { json: {} })
  await client.close()

  t.equal(warnings.length, 1)
})

for (const debug of [false, undefined]) {
  t.test(`without debug mode nothing is watched (debug: ${debug})`, async t => {
    t.same(await warningsOf(t, { debug }), [])
  })
}

t.test('a mounted application in debug mode is enough', async t => {
  const { app, warnings } = watchedApp({})
  const admin = new Application({ debug: true })
  admin.post('/', () => text(''))
  app.mount('/admin', admin)
  const client = await testClient(t, app)

  await client.post('/admin', { json: {} })
  await client.close()

  t.match(warnings, [/not read/])
})

async function warningsOf(t: Test, options: ApplicationOptions): Promise<string[]> {
  const { app, warnings, blocked } = watchedApp(options)
  app.post('/', async () => {
    void later(1)
    blockFor(130)
    const response = text('')
    response.cookies.set('theme', 'dark', { httpOnly: false })
    return response
  })
  const client = await testClient(t, app)
  client.allowLeaks({ timers: 'the handler does not wait for its own' })
  await client.post('/', { json: {} })
  await client.close()
  return [...warnings, ...blocked]
}
