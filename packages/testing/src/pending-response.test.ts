import { AssertionError } from 'node:assert'
import { once } from 'node:events'

import { Application, empty, json, text } from '@allium/core'
import t from 'tap'

import { testClient } from './client-for-runner.ts'
import { TestClient } from './test-client.ts'

function createApp(): Application {
  const app = new Application()
  app.get('/', () => text('hello', { headers: { 'x-a': '1' } }))
  app.get('/user', () => json({ name: 'ada', tags: ['a', 'b'] }))
  app.get('/long', () => text('x'.repeat(5000)))
  app.get('/nothing', () => empty())
  app.get('/hang', ({ signal }) => new Promise(resolve => (signal.onabort = () => resolve(text('')))))
  return app
}

async function failure(sent: PromiseLike<unknown>): Promise<AssertionError> {
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof AssertionError) return error
  throw new Error('it did not fail as an assertion', { cause: error })
}

t.test('PendingResponse', async t => {
  t.test('is a promise of the response', async t => {
    const client = await testClient(t, createApp())
    const pending = client.get('/')

    t.ok(pending instanceof Promise)
    t.equal((await pending).status, 200)
    t.equal(pending.then(() => {}).constructor, Promise)
  })

  t.test('what is expected and there gives the response', async t => {
    const client = await testClient(t, createApp())
    const response = await client
      .get('/user')
      .expect(200)
      .expectHeader('Content-Type', /json/)
      .expectHeader('x-none', undefined)
      .expectJson({ tags: ['a', 'b'], name: 'ada', age: undefined })

    t.equal(response.status, 200)
    await client.get('/').expectHeader('x-a', '1').expectText('hello').expectText(/^h/)
  })

  t.test('another status is shown with the response', async t => {
    const client = await testClient(t, createApp())
    const error = await failure(client.get('/').expect(404))

    t.match(error, { code: 'ERR_ASSERTION', actual: 200, expected: 404 })
    t.match(error.message, /^The status of GET http:\/\/localhost\/ is not what is expected\n/)
    t.match(error.message, /200 !== 404/)
    t.match(error.message, /\n< HTTP\/1.1 200 OK\n(?:.*\n)*< x-a: 1\n(?:.*\n)*<\n< hello$/)
  })

  t.test('other JSON is shown as a difference', async t => {
    const client = await testClient(t, createApp())
    const error = await failure(client.get('/user').expectJson({ name: 'bob', tags: ['a', 'b'] }))

    t.match(error.message, /^The JSON of GET/)
    t.match(error.message, /\+ +name: 'ada'/)
    t.match(error.message, /- +name: 'bob'/)
  })

  t.test('another header, another text', async t => {
    const client = await testClient(t, createApp())

    t.match((await failure(client.get('/').expectHeader('x-a', /2/))).message, /\/2\/ does not match "1"/)
    t.match((await failure(client.get('/').expectHeader('x-a', undefined))).message, /The header "x-a" of/)
    t.match((await failure(client.get('/').expectText(/bye/))).message, /\/bye\/ does not match "hello"/)
    t.match((await failure(client.get('/').expectText('bye'))).message, /'hello' !== 'bye'|'bye'/)
    t.match((await failure(client.get('/long').expectText(''))).message, /< x{2000} … \(\d+ bytes in all\)$/)
  })

  t.test('the error points at the line of the test', async t => {
    const client = await testClient(t, createApp())
    const { stack } = await failure(client.get('/').expect(404))
    const [first] = stack!.split('\n').filter(line => line.startsWith('    at '))

    t.match(first, /pending-response\.test\./)
  })

  t.test('a body that cannot be shown is no obstacle', async t => {
    const app = createApp()
    app.get('/cut', async ({ raw, signal }) => {
      raw.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello', () => raw.socket.destroy())
      await once(signal, 'abort')
      return empty()
    })
    const client = await testClient(t, app)

    t.match(
      (await failure(client.get('/cut').expect(201))).message,
      /< HTTP\/1.1 200 OK\n[^]*\n {2}GET \/cut failed: aborted$/,
    )
  })

  t.test('text and JSON are there without the response', async t => {
    const client = await testClient(t, createApp())

    t.equal(await client.get('/').text(), 'hello')
    t.match(await client.get('/user').expect(200).json(), { name: 'ada' })
  })

  t.test('nothing that JSON could say is refused', async t => {
    const client = await testClient(t, createApp())

    await t.rejects(client.get('/user').expectJson(undefined), TypeError)
    await t.rejects(client.get('/').expectJson('hello'), SyntaxError)
  })

  t.test('nobody hears of expectations that closing cuts off', async t => {
    const client = await TestClient.start(createApp())
    void client.get('/hang').expect(200).expectText('')
    await new Promise(resolve => setTimeout(resolve, 10))

    await t.resolves(client.close())
  })
})
