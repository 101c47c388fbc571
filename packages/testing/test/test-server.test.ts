import { AppKey, Application, AppRunner, text } from '@allium/core'
import { testServer, TestServer } from '@allium/testing'
import t from 'tap'

const greeting = new AppKey<string>('greeting')

function createApp(): Application {
  const app = new Application()
  app.provide(greeting, async function* () {
    yield 'hello'
  })
  app.get('/', ({ app }) => text(app.state.get(greeting)))
  return app
}

t.test('other programs reach the application at a port of loopback', async t => {
  const server = await testServer(t, createApp)
  const response = await fetch(server.url('/'))

  t.equal(await response.text(), 'hello')
  t.equal(server.origin, `http://127.0.0.1:${server.port}`)
  t.equal(server.host, '127.0.0.1')
})

t.test('state is overridden as for a test client', async t => {
  const server = await testServer(t, createApp(), { state: [[greeting, 'hello from the test']] })

  t.equal(await (await fetch(server.url('/'))).text(), 'hello from the test')
  t.equal(server.app.state.get(greeting), 'hello from the test')
})

t.test('the port is free again after the test, and the application cleaned up', async t => {
  const done: string[] = []
  const app = createApp()
  app.onCleanup.add(() => void done.push('cleaned up'))
  const server = await TestServer.start(app)
  await (await fetch(server.url('/'))).text()
  await server.close()
  await server[Symbol.asyncDispose]()

  t.same(done, ['cleaned up'])
  await t.rejects(fetch(server.url('/')))
})

t.test('a port that is taken is an error, and nothing is left running', async t => {
  const done: string[] = []
  const { port } = await testServer(t, createApp)
  const app = createApp()
  app.onCleanup.add(() => void done.push('cleaned up'))

  await t.rejects(TestServer.start(app, { port }), /127\.0\.0\.1:\d+/)
  t.same(done, ['cleaned up'])
})

t.test('only a path has an address', async t => {
  const server = await testServer(t, createApp)

  t.throws(() => server.url('users'), /Cannot link to "users": a path begins with "\/"/)
})

t.test('a handler that does not end fails the close', async t => {
  const app = new Application()
  app.get('/', request => request.waitUntil(new Promise(() => undefined)) ?? text('begun'))
  const server = await TestServer.start(app, { runner: { shutdownTimeout: 50 } })
  await (await fetch(server.url('/'))).text()

  await t.rejects(server.close(), /did not stop within its shutdownTimeout/)
  t.ok(AppRunner)
})
