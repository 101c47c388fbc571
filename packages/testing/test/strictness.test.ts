import type { Socket } from 'node:net'
import { Readable } from 'node:stream'

import t from 'tap'

import { Application, createLogger, empty, nodeHandler, Response, text } from '@allium/core'
import { TestClient, testClient } from '@allium/testing'
import type { AllowedWarnings } from '@allium/testing'

const silent = createLogger('error', () => {})

function createApp(): Application {
  return new Application({ logger: silent })
}

t.test('a content-length that is not that of the body is warned about', async t => {
  const app = createApp()
  let connection: Socket | undefined
  app.get('/whole', () => text('abc', { headers: { 'content-length': '10' } }))
  app.get('/pieces', () => {
    async function* pieces() {
      yield 'abc'
    }
    return new Response(pieces(), { headers: { 'content-length': '10' } })
  })
  app.get(
    '/foreign',
    nodeHandler((_request, response) => {
      connection = response.socket!
      response.setHeader('content-length', '1')
      response.end('a')
    }),
  )
  const client = await testClient(t, app)
  await client.get('/whole').text()
  await t.rejects(client.get('/pieces').text())
  await client.get('/foreign').text()
  connection!.write('bc')
  await client.settle()

  t.match(client.warnings, [
    {
      kind: 'content-length',
      request: 'GET /whole',
      message: 'content-length: 10 was declared, the body has 3 bytes',
    },
    {
      kind: 'content-length',
      request: 'GET /pieces',
      message: /fewer bytes than its content-length says: 3, not 10/,
    },
    {
      kind: 'content-length',
      request: 'GET /foreign',
      message: '2 bytes came behind the end of the response',
    },
  ])
})

t.test('a body that belongs to a 204 is warned about', async t => {
  const app = createApp()
  app.use(async (request, next) => {
    const response = await next(request)
    response.status = 204
    return response
  })
  app.get('/', () => text('abc'))
  app.get('/empty', () => empty())
  app.get('/pieces', () => new Response(Readable.from(['abc'])))
  const client = await testClient(t, app)
  await client.get('/').expect(204)
  await client.get('/empty').expect(204)
  await client.get('/pieces').expect(204)

  t.match(client.warnings, [
    { kind: 'bodiless', request: 'GET /', message: '204 has no body, that of 3 bytes was not sent' },
    { kind: 'bodiless', request: 'GET /pieces', message: '204 has no body, that of ? bytes was not sent' },
  ])
})

t.test('a request body that nobody reads is warned about, unless the request is refused', async t => {
  const app = createApp()
  app.post('/read', async request => text(await request.text()))
  app.post('/echo', request => new Response(request.body))
  app.post('/unread', () => text('stored'))
  app.post('/refused', () => text('who are you?', { status: 401 }))
  const client = await testClient(t, app)
  for (const path of ['/read', '/echo', '/unread', '/refused'])
    await client.post(path, { body: 'abc' }).text()
  await client.post('/unread').text()

  t.same(client.warnings, [
    {
      kind: 'unread-body',
      request: 'POST /unread',
      message: 'it was answered with 200, and nobody has read its body',
    },
  ])
})

t.test('a cookie without HttpOnly or SameSite is warned about, unless it is taken away', async t => {
  const app = createApp()
  const fields = [
    'a=1; Path=/',
    'b=1; HttpOnly',
    'c=1; httponly; samesite=Strict',
    'd=; Path=/',
    'e=gone; Max-Age=0',
  ]
  app.get('/', () => text('', { headers: fields.map(field => ['set-cookie', field] as [string, string]) }))
  const client = await testClient(t, app)
  await client.get('/?token=s3cret').text()

  t.same(client.warnings, [
    { kind: 'cookies', request: 'GET /', message: 'the cookie "a" is set without HttpOnly and SameSite' },
    { kind: 'cookies', request: 'GET /', message: 'the cookie "b" is set without SameSite' },
  ])
})

t.test('a middleware that does not wait for next() is warned about', async t => {
  const app = createApp()
  app.use(async function hurried(request, next) {
    void next(request)
    return text('early')
  })
  app.get('/', async ({ app }) => {
    await app.clock.delay(5)
    return text('late')
  })
  const client = await testClient(t, app)
  await client.get('/').text()

  t.match(client.warnings, [{ kind: 'next', message: /one of "hurried" does not wait for it/ }])
  await app.clock.delay(20)
})

t.test('warnings fail the test of a strict client, but for those with a reason to be', async t => {
  const app = createApp()
  app.post('/', () => text('', { headers: { 'set-cookie': 'theme=dark' } }))
  const client = await TestClient.start(app, { strict: true })
  await client.post('/', { body: 'abc' }).text()
  client.allowWarnings({ cookies: 'scripts read the theme' })

  t.throws(() => client.allowWarnings({ cookies: '' }), /without a reason/)
  t.throws(
    () => client.allowWarnings(JSON.parse('{ "mice": "why" }') as AllowedWarnings),
    /there are content-length, /,
  )
  await t.rejects(client.close(), {
    name: 'StrictnessError',
    message:
      'The application works, but not as it should\n  unread-body: POST /: it was answered with 200, and nobody has read its body',
    warnings: [{ kind: 'unread-body' }],
  })
})
