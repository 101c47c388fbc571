import t from 'tap'

import { Application, HttpNotFound, json, Response, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { testClient } from '@allium/testing'

const logging: Middleware = async (request, next) => next(request)

function createApp(): Application {
  const app = new Application({ redact: ['pin'] })
  app.use(logging)
  app.post('/sign-in/:realm', async function signIn(request) {
    await request.text()
    return json(
      { token: 'a "quoted" secret', name: 'Ada' },
      { headers: { 'set-cookie': 'session=abc; HttpOnly; SameSite=Lax' } },
    )
  })
  app.get('/boom', function boom() {
    throw new Error('The table is gone', { cause: new TypeError('It was a chair') })
  })
  app.get('/missing', () => {
    throw new HttpNotFound()
  })
  app.get('/bytes', () => new Response(Buffer.from([0, 1, 2, 255])))
  app.get('/large', () => text('large '.repeat(10_000)))
  app.get('/pieces', () => {
    async function* pieces() {
      yield '{"token": "in tw'
      yield 'o pieces"}'
    }
    return new Response(pieces())
  })
  return app
}

t.test('a transcript has the bytes of both sides, the route and every layer with its time', async t => {
  const client = await testClient(t, createApp())
  await client.post('/sign-in/home', { body: 'hello' }).expect(200)
  const lines = client.transcript().split('\n')

  t.match(lines[0], /^POST \/sign-in\/home: 200 in [\d.]+ ms$/)
  for (const line of [
    '> POST /sign-in/home HTTP/1.1',
    '>',
    '> hello',
    '  route POST /sign-in/:realm',
    '< HTTP/1.1 200 OK',
    '<',
  ]) {
    t.ok(lines.includes(line), line)
  }
  t.match(
    client.transcript(),
    /\n {2}middleware 1 "logging" answered after [\d.]+ ms\n {2}handler "signIn" answered after [\d.]+ ms\n< HTTP/,
  )
})

t.test('secrets are hidden, in heads, queries and bodies of every kind', async t => {
  const client = await testClient(t, createApp(), { redact: ['token', 'Password'] })
  const path = '/sign-in/home?token=s3cret&PIN=s3cret&page=2'
  const headers = { authorization: 'Bearer s3cret', 'x-api-key': 's3cret', 'proxy-authorization': 's3cret' }
  await client.post(path, { headers, json: { password: 's3"cret', pin: 536_375_363_753, page: 1 } }).text()
  await client.post(path, { headers: { cookie: 'a=s3cret; b=s3cret' }, form: { password: 's3cret' } }).text()
  await client.post(path, { multipart: { password: 's3cret', page: '3' } }).text()
  const transcript = client.transcript()

  t.notMatch(transcript, /s3|536375363753|abc|quoted/)
  t.match(transcript, '> POST /sign-in/home?token=[redacted]&PIN=[redacted]&page=2 HTTP/1.1')
  t.match(transcript, '> {"password":"[redacted]","pin":"[redacted]","page":1}')
  t.match(transcript, '> cookie: a=[redacted]; b=[redacted]')
  t.match(transcript, '> password=[redacted]')
  t.match(transcript, '< set-cookie: session=[redacted]; HttpOnly; SameSite=Lax')
  t.match(transcript, '< {"token":"[redacted]","name":"Ada"}')
})

t.test('secrets are hidden in addresses too, also broken ones', async t => {
  const client = await testClient(t, createApp(), { redact: ['token'] })
  await client.get('/missing', { headers: { referer: 'http://a/?%ff=1&token=s3cret&page=2' } })

  t.match(client.transcript(), '> referer: http://a/?%ff=1&token=[redacted]&page=2')
})

t.test('a secret is hidden though it came in pieces', async t => {
  const client = await testClient(t, createApp(), { redact: ['token'] })
  await client.get('/pieces').text()

  t.match(client.transcript(), '< {"token": "[redacted]"}')
})

t.test('what went wrong in the application is shown with its stack, and why', async t => {
  const client = await testClient(t, createApp())
  await client.get('/boom').expect(500)
  await client.get('/missing').expect(404)
  const transcript = client.transcript()

  t.match(
    transcript,
    /handler "boom" threw after [\d.]+ ms\n {2}Error: The table is gone\n {6}at boom .+transcript/,
  )
  t.match(transcript, /\n {2}caused by: TypeError: It was a chair\n/)
  t.match(transcript, /\n {2}HttpNotFound: .+\n< HTTP\/1.1 404/)
})

t.test('what has no stack is shown without one, and what is no error not at all', async t => {
  const app = createApp()
  app.get('/bare', () => {
    throw Object.assign(new Error('No idea where'), { stack: undefined })
  })
  app.get('/secret', () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is what this is about
    throw { password: 's3cret' }
  })
  const client = await testClient(t, app)
  await client.get('/bare').expect(500)
  await client.get('/secret').expect(500)

  t.match(client.transcript(), /\n {2}Error: No idea where\n< HTTP\/1.1 500/)
  t.match(client.transcript(), /\n {2}something was thrown that is no error: object\n< HTTP\/1.1 500/)
  t.notMatch(client.transcript(), /s3cret/)
})

t.test('a request that leads nowhere has no route', async t => {
  const client = await testClient(t, createApp())
  await client.get('/nowhere').expect(404)

  t.match(client.transcript(), /\n {2}no route\n {2}middleware 1 "logging" [^]+\n {2}HttpNotFound/)
})

t.test('an answer that is not whole is shown as far as it came', async t => {
  const app = createApp()
  app.get('/half', ({ raw }) => {
    raw.socket.write('HTTP/1.1 200 OK\r\nx-half: ye', () => raw.socket.destroy())
    return text('nobody reads this')
  })
  app.get('/begun', () => {
    async function* pieces() {
      yield 'begun'
      await app.clock.delay(1000)
    }
    return new Response(pieces())
  })
  const client = await testClient(t, app, { clock: 'virtual' })
  await t.rejects(client.get('/half'))
  await client.get('/begun')

  t.match(client.transcript(), /\n< HTTP\/1.1 200 OK\n< x-half: ye\n/)
  t.match(client.transcript(), /\n {2}every layer has answered, but the answer has not ended for [\d.]+ ms\n/)
  await client.advance(1000)
})

t.test('an expectation that is not met shows the whole story', async t => {
  const client = await testClient(t, createApp())
  const message =
    /^The status of GET .+\/boom [^]+500 !== 200[^]+> GET \/boom HTTP[^]+route GET \/boom[^]+table is gone[^]+< HTTP\/1.1 500/

  await t.rejects(client.get('/boom').expect(200), { message, code: 'ERR_ASSERTION' })
})

t.test('bodies that are no text, or long, are shown by their size', async t => {
  const client = await testClient(t, createApp())
  await client.get('/bytes').expect(200).text()
  await client.post('/sign-in/home', { body: 'a\0b' }).text()
  await client.get('/large').expect(200).text()

  t.match(client.transcript(), '< (4 bytes that are no text)')
  t.match(client.transcript(), '> (3 bytes that are no text)')
  t.match(client.transcript(), /< large large .+ … \(60\d{3} bytes in all\)/)
})

t.test('a request that is not over says so, and one that failed says why', async t => {
  const app = createApp()
  app.get('/slow', async ({ app }) => {
    await app.clock.delay(1000)
    return text('slow')
  })
  const client = await testClient(t, app, { clock: 'virtual' })
  const slow = client.get('/slow')
  await client.settle()
  t.match(
    client.transcript(),
    /^GET \/slow: no response, not over after [^]+handler "anonymous" has not answered for/,
  )
  await client.advance(1000)
  await slow
  await t.rejects(client.get('/slow', { signal: AbortSignal.abort() }))

  t.match(
    client.transcript(),
    /\n\nGET \/slow: no response in .+\n {2}it has not reached the application\n {2}.+aborted/,
  )
})

t.test('the last hundred requests are remembered, those of forks included', async t => {
  const client = await testClient(t, createApp())
  for (let n = 0; n < 60; n++) await client.get(`/missing?first=${n}`)
  for (let n = 0; n < 60; n++) await client.fork().get(`/missing?second=${n}`)
  const transcript = client.transcript()

  t.equal(transcript.match(/^> GET /gm)?.length, 100)
  t.match(transcript, /^GET \/missing: 404 .+\n> GET \/missing\?first=20 HTTP/)
})
