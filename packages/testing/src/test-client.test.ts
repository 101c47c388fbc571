import { once } from 'node:events'

import { AppKey, Application, createLogger, json, redirect, Response, text } from '@allium/core'
import type { RunObserver } from '@allium/core'
import t from 'tap'

import type { TestRequestInit } from './request-init.ts'
import { testClient } from './client-for-runner.ts'
import { TestClient } from './test-client.ts'
import type { TestContext } from './test-context.ts'

function createApp(): Application {
  const app = new Application({ name: 'under test' })
  app.get('/', () => text('hello'))
  app.any('/echo', async request => {
    return json({
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    })
  })
  return app
}

/** An application that records what happens to it. */
function createRecorder(): { app: Application; log: string[] } {
  const log: string[] = []
  const app = createApp()
  app.cleanupContexts.add(async function* () {
    log.push('started')
    yield
    log.push('cleaned up')
  })
  return { app, log }
}

type Echo = Record<'method' | 'body', string> & { headers: Record<string, string> }

async function echo(client: TestClient, method: string, path: string, init?: TestRequestInit): Promise<Echo> {
  return (await client.request(method, path, init)).json()
}

t.test('testClient', async t => {
  for (const hook of ['after', 'teardown', 'onTestFinished'] as const) {
    t.test(`starts now, and stops by the test's ${hook}`, async t => {
      const { app, log } = createRecorder()
      const hooks: (() => Promise<void>)[] = []
      const context = { [hook]: (fn: () => Promise<void>) => hooks.push(fn) } as unknown as TestContext
      const client = await testClient(context, app)
      const started = [...log]
      await hooks[0]!()

      t.same(started, ['started'])
      t.same(log, ['started', 'cleaned up'])
      t.equal(client.app, app)
      await t.rejects(client.get('/'), { code: 'ERR_RUNNER_STATE' })
    })
  }

  t.test('refuses a test that nothing can be hung on, before it starts', async t => {
    const { app, log } = createRecorder()

    await t.rejects(
      testClient({} as TestContext, app),
      new TypeError(
        'Cannot start a test client: the test has neither "after", "teardown" nor "onTestFinished"',
      ),
    )
    t.same(log, [])
  })

  t.test('takes a function that makes the application', async t => {
    t.equal((await (await testClient(t, createApp)).get('/')).status, 200)
    t.equal((await (await testClient(t, async () => createApp())).get('/')).status, 200)
  })

  t.test('tells an observer of its own of everything', async t => {
    const told: string[] = []
    const observer: RunObserver = {
      began: ({ path }) => told.push(`began ${path}`),
      entered: (_, { kind }) => told.push(`entered ${kind}`),
      left: (_, { kind }) => told.push(`left ${kind}`),
      finished: (_, response) => told.push(`finished ${response?.status}`),
      failed: (_, error) => told.push(String(error)),
      givenUp: () => told.push('given up'),
    }
    const app = new Application({ logger: createLogger('error', () => {}) })
    app.get('/', () => new Response(breaking()))
    async function* breaking() {
      yield 'begun'
      throw new Error('broken')
    }
    const client = await testClient(t, app, { runner: { observer } })
    await t.rejects(client.get('/').text())

    t.same(told.slice(0, 3), ['began /', 'entered handler', 'left handler'])
    t.same(told.slice(3).sort(), ['Error: broken', 'finished 200', 'given up'])
  })

  t.test('refuses what is no application', async t => {
    for (const value of [undefined, null, {}, () => ({})]) {
      await t.rejects(testClient(t, value as Application), TypeError)
    }
  })

  t.test('rejects with what the startup throws', async t => {
    const app = createApp()
    app.onStartup.add(() => {
      throw new Error('no database')
    })

    await t.rejects(testClient(t, app), { message: 'no database' })
  })

  t.test('replaces state, and does not run what would provide it', async t => {
    const name = new AppKey<string>('name')
    const size = new AppKey<number>('size')
    const app = createApp()
    app.provide(name, async function* () {
      t.fail('the provider was run')
      yield 'real'
    })
    app.get('/state', ({ app }) => json([app.state.get(name), app.state.get(size)]))
    const client = await testClient(t, app, {
      state: [
        [name, 'fake'],
        [size, 7],
      ],
    })

    t.same(await (await client.get('/state')).json(), ['fake', 7])
  })

  t.test('hands options to the runner', async t => {
    const client = await testClient(t, createApp(), { runner: { maxHeadersCount: 3 } })

    t.equal((await client.get('/', { headers: { a: '1', b: '2', c: '3' } })).status, 431)
  })

  t.test('takes its transport from the environment, where none is given', async t => {
    t.teardown(() => delete process.env['ALLIUM_TEST_TRANSPORT'])
    process.env['ALLIUM_TEST_TRANSPORT'] = 'tcp'
    const tcp = await testClient(t, createApp())
    const memory = await testClient(t, createApp(), { transport: 'memory' })
    process.env['ALLIUM_TEST_TRANSPORT'] = 'pigeon'

    t.match(tcp.origin, /^http:\/\/127\.0\.0\.1:\d+$/)
    t.equal(memory.origin, 'http://localhost')
    await t.rejects(testClient(t, createApp()), {
      message: 'Cannot start a test client over "pigeon": transports are "memory", "tcp", "unix"',
    })
  })
})

t.test('TestClient.start', async t => {
  t.test('gives a client that its scope disposes of', async t => {
    const { app, log } = createRecorder()
    {
      await using client = await TestClient.start(app)
      t.equal(await (await client.get('/')).text(), 'hello')
    }

    t.same(log, ['started', 'cleaned up'])
  })

  t.test('stops the application again when it cannot be reached', async t => {
    const { app, log } = createRecorder()
    const before = process.env['TMPDIR']
    t.teardown(() => (before === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = before)))
    process.env['TMPDIR'] = '/nowhere'

    await t.rejects(TestClient.start(app, { transport: 'unix' }), { code: 'ENOENT' })
    t.same(log, ['started', 'cleaned up'])
  })
})

t.test('TestClient requests', async t => {
  t.test('each method has its own function', async t => {
    const client = await testClient(t, createApp())
    const methods = ['get', 'post', 'put', 'patch', 'delete', 'options', 'query'] as const
    for (const method of methods) {
      t.match(await (await client[method]('/echo')).json(), { method: method.toUpperCase() })
    }

    t.equal((await client.head('/echo')).status, 200)
  })

  t.test('routes are requested by their params', async t => {
    const app = createApp()
    const user = app.get('/users/:id', ({ params, query }) => text(`${params.id} ${query.get('q')}`))
    const client = await testClient(t, app)

    t.equal(await (await client.get(user, { params: { id: 'a/b' }, query: { q: 1 } })).text(), 'a/b 1')
  })

  t.test('headers, the Host among them, are those asked for', async t => {
    const client = await testClient(t, createApp(), { headers: { 'x-a': 'client', 'x-b': 'client' } })
    const init = { headers: { host: 'api.example.com', 'X-A': 'request' } }

    t.match(await echo(client, 'GET', '/echo', init), {
      headers: { host: 'api.example.com', 'x-a': 'request', 'x-b': 'client' },
    })
    t.match(await echo(client, 'GET', '/echo'), { headers: { host: 'localhost' } })
    t.equal((await client.get('/', { headers: { host: undefined } })).status, 400)
  })

  t.test('a GET with a body is framed', async t => {
    const client = await testClient(t, createApp())
    async function* body() {
      yield 'in chunks'
    }

    t.match(await echo(client, 'GET', '/echo', { body: 'whole' }), { body: 'whole' })
    t.match(await echo(client, 'DELETE', '/echo', { body: body() }), { body: 'in chunks' })
  })

  t.test('a body that fails while it is sent fails the request', async t => {
    const client = await testClient(t, createApp())
    async function* body() {
      yield 'a'
      throw new Error('out of ink')
    }

    await t.rejects(client.post('/echo', { body: body() }), { message: 'POST /echo failed: out of ink' })
  })

  t.test('a body that nobody asks for after Expect is not sent', async t => {
    const client = await testClient(t, createApp())
    const headers = { expect: '100-continue' }
    const response = await client.post('/nowhere', { headers, body: 'unwanted' })

    t.equal(response.status, 404)
    t.same(response.informational, [])
    await response.text()
  })

  t.test('a connection goes on after a response that was larger than what is read ahead', async t => {
    const app = new Application()
    app.get('/', () => text('x'.repeat(100_000)))
    const client = await testClient(t, app)

    for (let round = 0; round < 3; round++) {
      const response = await client.get('/')
      await new Promise(resolve => setTimeout(resolve, 10)) // it is there before anybody reads it
      t.equal((await response.text()).length, 100_000)
    }
  })

  t.test('a header that is given twice is sent twice', async t => {
    const app = new Application()
    app.get('/', ({ headers }) => json([...headers].filter(([name]) => name === 'x-a')))
    const headers = [
      ['x-a', '1'],
      ['x-a', '2'],
    ] as const

    t.same(await (await testClient(t, app)).get('/', { headers }).json(), headers)
  })

  t.test('a method or a path that cannot be sent is refused', async t => {
    const client = await testClient(t, createApp())

    await t.rejects(client.request('TWO WORDS', '/'), { code: 'ERR_INVALID_HTTP_TOKEN' })
    await t.rejects(client.get('/a b'), { code: 'ERR_UNESCAPED_CHARACTERS' })
    await t.rejects(client.get('users'), TypeError)
  })

  t.test('a handler that takes longer than the timeout fails the request', async t => {
    const app = createApp()
    app.get('/never', async request => {
      await once(request.signal, 'abort')
      return text('too late')
    })
    const client = await testClient(t, app, { timeout: 100 })
    const message = /^GET \/never\?a=1 failed: no response within 100 ms\n {4}route GET \/never\n/

    await t.rejects(client.get('/never', { query: { a: 1 } }), { message, name: 'TimeoutError' })
    await t.rejects(client.get('/never', { timeout: 10 }), { message: /within 10 ms\n/ })
  })

  t.test('a timeout that is none is refused', async t => {
    const client = await testClient(t, createApp(), { timeout: Infinity })

    t.equal((await client.get('/')).status, 200)
    await t.rejects(client.get('/', { timeout: 0 }), RangeError)
    await t.rejects(testClient(t, createApp(), { timeout: NaN }), RangeError)
  })
})

t.test('TestClient redirects', async t => {
  function createRedirects(): Application {
    const app = createApp()
    app.get('/loop', () => redirect('/loop', 302))
    app.get('/away', () => redirect('https://example.com/', 302))
    for (const status of [301, 302, 303, 307, 308] as const)
      app.any(`/${status}`, () => redirect('/echo', status))
    app.get('/nowhere', () => text('no location', { status: 302 }))
    return app
  }

  t.test('change the method where HTTP says so', async t => {
    const client = await testClient(t, createRedirects())
    for (const status of [301, 302, 303]) {
      const answer = await echo(client, 'POST', `/${status}`, { json: 1, follow: true })
      t.match(answer, { method: 'GET', body: '' }, String(status))
      t.notOk('content-type' in answer.headers)
    }
    for (const status of [307, 308]) {
      t.match(await echo(client, 'POST', `/${status}`, { json: 1, follow: true }), {
        method: 'POST',
        body: '1',
      })
    }

    t.match(await echo(client, 'PUT', '/302', { follow: true }), { method: 'PUT' })
    t.equal((await client.head('/303', { follow: true })).url, 'http://localhost/echo')
  })

  t.test('end somewhere, or fail', async t => {
    const client = await testClient(t, createRedirects())
    async function* body() {
      yield 'once'
    }

    await t.rejects(client.get('/loop', { follow: 3 }), { message: 'GET /loop failed: redirected too often' })
    await t.rejects(client.get('/away', { follow: true }), {
      message: /leads to another origin than http:\/\/localhost/,
    })
    await t.rejects(client.post('/307', { body: body(), follow: true }), { message: /cannot be sent twice/ })
    t.equal((await client.get('/nowhere', { follow: true })).status, 302)
    t.equal((await client.get('/loop', { follow: 0 })).status, 302)
  })
})

t.test('TestClient cookies', async t => {
  t.test('belong to one user, of whom there may be more', async t => {
    const app = createApp()
    app.post('/count', ({ cookies }) => {
      const response = text(String(cookies['n'] ?? 0))
      response.cookies.set('n', String(Number(cookies['n'] ?? 0) + 1))
      return response
    })
    const client = await testClient(t, app)
    const other = client.fork({ headers: { 'x-user': 'other' } })
    for (const expected of ['0', '1', '2']) t.equal(await (await client.post('/count')).text(), expected)

    t.equal(await (await other.post('/count')).text(), '0')
    t.match(await echo(other, 'GET', '/echo'), { headers: { 'x-user': 'other' } })
    client.cookies.clear()
    t.equal(await (await client.post('/count')).text(), '0')
    const headers = { cookie: 'n=41' }
    t.equal(await (await client.post('/count', { headers })).text(), '41')
  })

  t.test('can be left out', async t => {
    const client = await testClient(t, createApp(), { cookies: false })
    client.cookies.set('a', '1')

    t.notOk('cookie' in (await echo(client, 'GET', '/echo')).headers)
  })
})

t.test('TestClient.close', async t => {
  t.test('gives the same result again', async t => {
    const { app, log } = createRecorder()
    app.onCleanup.add(() => {
      throw new Error('left open')
    })
    const client = await TestClient.start(app)

    await t.rejects(client.close(), { message: 'left open' })
    await t.rejects(client.close(), { message: 'left open' })
    t.same(log, ['started', 'cleaned up'])
  })

  t.test('of a fork leaves the application running', async t => {
    const client = await testClient(t, createApp())
    const fork = client.fork()
    await fork.close()

    t.equal((await client.get('/')).status, 200)
  })

  t.test('cuts what is in progress, for nobody to hear of', async t => {
    const app = createApp()
    app.get('/hang', async request => {
      await once(request.signal, 'abort')
      return text('too late')
    })
    const client = await TestClient.start(app)
    void client.get('/hang')
    const heard = t.rejects(client.fork().get('/hang'), { code: 'ECONNRESET' })
    const connection = client.connect()
    await new Promise(resolve => setTimeout(resolve, 10))
    await client.close()

    await heard
    t.equal(await connection.closed, 'ended')
  })
})

t.test('TestClient.agent serves other clients of node:http', async t => {
  const { get } = await import('node:http')
  const client = await testClient(t, createApp())
  const [response] = await once(get({ agent: client.agent, path: '/' }), 'response')

  t.equal(response.resume().statusCode, 200)
  await once(response, 'end')
})
