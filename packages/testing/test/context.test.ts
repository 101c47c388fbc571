import { AsyncLocalStorage } from 'node:async_hooks'

import { Application, eventStream, text } from '@allium/core'
import { testClient, testServer } from '@allium/testing'
import type { TransportName } from '@allium/testing'
import t from 'tap'

import { SocketResponse } from './socket-response.ts'

const ofTheTest = new AsyncLocalStorage<string>()

function seen(): string {
  return String(ofTheTest.getStore())
}

/** Notes what the code of an application sees of the test, at each place where it runs. */
function createApp() {
  const places: Record<string, string> = {}
  const note = (place: string) => void (places[place] = seen())
  const app = new Application()
  app.cleanupContexts.add(async function* context() {
    note('startup')
    yield
    note('cleanup')
  })
  app.onStartup.add(async app => void (await app.tasks.spawn('note', async () => note('task'))))
  app.use(async (request, next) => {
    note('middleware')
    const response = await next(request)
    note('middleware, on the way out')
    return response
  })
  app.get('/', async request => {
    request.onPrepare(() => note('hook'))
    await request.app.clock.delay(1)
    return text(seen())
  })
  app.post('/', async request => text(`${await request.text()} ${seen()}`))
  app.get('/events', () =>
    eventStream(async function* () {
      yield { data: seen() }
    }),
  )
  app.get('/socket', () => new SocketResponse(socket => socket.on('message', () => socket.send(seen()))))
  return { app, places }
}

for (const transport of ['memory', 'tcp', 'unix'] as const satisfies TransportName[]) {
  t.test(`over ${transport}`, async t => {
    t.test('nothing that an application runs sees the context of the test', async t => {
      const { app, places } = createApp()
      await ofTheTest.run('leaked', async () => {
        const client = await testClient(t, app, { transport })
        t.equal(await client.get('/').text(), 'undefined')
        t.equal(await client.post('/', { body: 'a body' }).text(), 'a body undefined')
        await client.close()
      })

      t.same(new Set(Object.values(places)), new Set(['undefined']))
      t.same(Object.keys(places).sort(), [
        'cleanup',
        'hook',
        'middleware',
        'middleware, on the way out',
        'startup',
        'task',
      ])
    })

    t.test('neither do event streams and WebSockets', async t => {
      await ofTheTest.run('leaked', async () => {
        const client = await testClient(t, createApp().app, { transport })
        const events = await client.events('/events')
        const socket = await client.ws('/socket')
        await socket.send('')

        t.equal((await events.next()).value?.data, 'undefined')
        t.equal(await socket.receive(), 'undefined')
        await events.return()
        await socket.close()
      })
    })

    t.test('a kept connection belongs to no request that was sent over it', async t => {
      const client = await testClient(t, createApp().app, { transport })
      for (const name of ['one', 'two']) {
        t.equal(await ofTheTest.run(name, () => client.get('/').text()), 'undefined')
      }
    })

    t.test('the test keeps its context', async t => {
      await ofTheTest.run('kept', async () => {
        const client = await testClient(t, createApp().app, { transport })
        await client.get('/').text()
        t.equal(seen(), 'kept')
        for await (const { data } of await client.events('/events'))
          t.same([data, seen()], ['undefined', 'kept'])
      })
    })
  })
}

t.test('a server for browsers is outside, too', async t => {
  await ofTheTest.run('leaked', async () => {
    const server = await testServer(t, createApp().app)

    t.equal(await (await fetch(server.url('/'))).text(), 'undefined')
  })
})
