import { Application, createLogger, eventStream } from '@allium/core'
import type { EventStreamContext } from '@allium/core'
import { getSession, MemoryStore, SealedCookieStorage, SessionKey, sessions } from '@allium/sessions'
import { sessionOf } from '@allium/sessions/testing'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import { websocket } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'

const note = new SessionKey<string>('note')
const count = new SessionKey<number>('count')

/** WebSockets that keep what they are told, and event streams that never end by themselves. */
async function start(t: Test) {
  const log: string[] = []
  const middleware = sessions({ storage: new MemoryStore() })
  const logger = createLogger('error', line => log.push(line))
  const app = new Application({ logger })
  app.use(middleware)
  app.get(
    '/socket',
    websocket(async (socket, request) => {
      const session = await getSession(request)
      session.update(count, (value = 0) => value + 1)
      await session.save()
      for await (const message of socket) {
        session.set(note, message.text())
        if (request.query.has('forgetful')) continue
        await session.save()
        await socket.send('saved')
      }
    }),
  )
  app.get('/events', async request => {
    const session = await getSession(request)
    return eventStream(async function* ({ signal }: EventStreamContext) {
      yield { data: session.get(note) ?? 'nothing' }
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    })
  })
  const client = await testClient(t, app)
  const signIn = async (user: TestClient, principal: string) => {
    const session = await sessionOf(user, middleware)
    session.principal = principal
    await session.save()
    return user
  }
  return { log, middleware, client, signIn }
}

void t.test('a WebSocket', async t => {
  t.test('reads its session, and writes it by save()', async t => {
    const { client, middleware, signIn } = await start(t)
    await signIn(client, 'ada')
    const [one, two] = [await client.ws('/socket'), await client.ws('/socket')]

    await one.send('from a socket')
    t.equal(await one.receiveText(), 'saved')

    const session = await sessionOf(client, middleware)
    t.equal(session.get(note), 'from a socket')
    await two.send('from the other')
    t.equal(await two.receiveText(), 'saved')
    t.equal(await session.reload(), true)
    t.same([session.get(note), session.get(count)], ['from the other', 2])
  })

  t.test('gives a new session its cookie with the handshake', async t => {
    const middleware = sessions({ storage: new MemoryStore() })
    const app = new Application()
    app.use(middleware)
    app.get('/', async request => {
      const session = await getSession(request)
      session.set(note, 'from the handshake')
      return websocket(socket => socket.send('hello'))(request)
    })
    const client = await testClient(t, app)
    const socket = await client.ws('/')
    await socket.closed

    t.equal((await sessionOf(client, middleware)).get(note), 'from the handshake')
  })

  t.test('that forgets to save its changes says so in the log', async t => {
    const { client, log, signIn } = await start(t)
    await signIn(client, 'ada')
    const socket = await client.ws('/socket?forgetful')
    await socket.send('lost')
    await socket.close()
    await client.close()

    t.equal(log.length, 1)
    t.match(log[0], 'A session was changed after the headers had left, and never saved')
  })

  t.test('reads a session in a sealed cookie, and cannot write it', async t => {
    const storage = new SealedCookieStorage({ passwords: 'a password of more than 32 characters' })
    const middleware = sessions({ storage })
    const app = new Application({ logger: createLogger('error', () => {}) })
    app.use(middleware)
    app.get(
      '/',
      websocket(async (socket, request) => {
        const session = await getSession(request)
        await socket.send(session.get(note) ?? '')
        session.set(note, 'late')
        const error = await session.save().catch((error: { code?: string }) => error.code)
        await socket.send(String(error))
      }),
    )
    const client = await testClient(t, app)
    const planted = await sessionOf(client, middleware)
    planted.set(note, 'planted')
    await planted.save()
    const socket = await client.ws('/')

    t.equal(await socket.receiveText(), 'planted')
    t.equal(await socket.receiveText(), 'ERR_SESSION_HEADERS_SENT')
  })
})

void t.test('signing a principal out everywhere', async t => {
  t.test('closes the WebSockets of that principal with 1008, and nobody else’s (P38)', async t => {
    const { client, middleware, signIn } = await start(t)
    const laptop = await signIn(client.fork(), 'ada')
    const phone = await signIn(client.fork(), 'ada')
    const other = await signIn(client.fork(), 'grace')
    const open = async (user: TestClient) => user.ws('/socket')
    const [first, second, spared] = [await open(laptop), await open(phone), await open(other)]

    t.equal(await middleware.signOutEverywhere('ada'), 2)

    t.match(await first.closed, { code: 1008 })
    t.match(await second.closed, { code: 1008 })
    await spared.send('still here')
    t.equal(await spared.receiveText(), 'saved')
    t.equal((await sessionOf(laptop, middleware)).isNew, true)
  })

  t.test('ends the event streams of that principal', async t => {
    const { client, middleware, signIn } = await start(t)
    await signIn(client, 'ada')
    const events = await client.events('/events')
    t.match((await events.next()).value, { data: 'nothing' })

    await middleware.signOutEverywhere('ada')

    t.equal((await events.next()).done, true)
  })

  t.test('spares the session that asks for it, and its WebSockets', async t => {
    const { client, middleware, signIn } = await start(t)
    const laptop = await signIn(client.fork(), 'ada')
    const phone = await signIn(client.fork(), 'ada')
    const [kept, ended] = [await laptop.ws('/socket'), await phone.ws('/socket')]

    await middleware.signOutEverywhere('ada', { except: await sessionOf(laptop, middleware) })

    t.match(await ended.closed, { code: 1008 })
    await kept.send('still here')
    t.equal(await kept.receiveText(), 'saved')
  })

  t.test('one by one closes the WebSockets of that session alone', async t => {
    const { client, middleware, signIn } = await start(t)
    const laptop = await signIn(client.fork(), 'ada')
    const phone = await signIn(client.fork(), 'ada')
    const [kept, ended] = [await laptop.ws('/socket'), await phone.ws('/socket')]
    const { id } = await sessionOf(phone, middleware)

    t.equal(await middleware.signOut('ada', id!), true)

    t.match(await ended.closed, { code: 1008 })
    await kept.send('still here')
    t.equal(await kept.receiveText(), 'saved')
  })

  t.test('in another process is what endRequests() is for: it leaves the store alone', async t => {
    const { client, middleware, signIn } = await start(t)
    await signIn(client, 'ada')
    const socket = await client.ws('/socket')
    middleware.endRequests('grace')
    middleware.endRequests('ada')

    t.match(await socket.closed, { code: 1008 })
    t.equal((await middleware.list('ada')).length, 1)
  })
})
