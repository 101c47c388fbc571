import type { Request } from '@allium/core'
import { SessionKey, SessionRevoked } from '@allium/sessions'
import t from 'tap'

import { copyOf, start } from './stepped-app.ts'

const note = new SessionKey<string>('note')

const MINUTE = 60_000

const HOUR = 60 * MINUTE

void t.test('a principal', async t => {
  t.test('is a text of a certain length', async t => {
    const { run } = await start(t)
    await run(session => {
      for (const principal of ['', 'a\0', 'x'.repeat(257), '\ud800']) {
        t.throws(() => (session.principal = principal), TypeError)
      }
    })
  })

  t.test('has sessions that can be listed, and ended one by one', async t => {
    const { time, run, client, middleware } = await start(t)
    const phone = client.fork()
    await run(session => (session.principal = 'ada'))
    const id = (await run(session => session.id)) as string
    time.now += HOUR
    await run(session => (session.principal = 'ada'), phone)

    const list = await middleware.list('ada')
    t.equal(list.length, 2)
    t.equal(list[1]!.id, id)
    t.ok(list[0]!.lastSeenAt > list[1]!.lastSeenAt)
    t.equal(await middleware.signOut('eve', id), false)
    t.equal(await middleware.signOut('ada', id), true)
    t.equal(await run(session => session.isNew), true)
    t.equal(await run(session => session.principal, phone), 'ada')
  })

  t.test('can be signed out everywhere, with what renewals have left behind (P38)', async t => {
    const { run, client, middleware } = await start(t)
    const phone = client.fork()
    const eve = client.fork()
    for (const user of [client, phone]) await run(session => (session.principal = 'ada'), user)
    await run(session => (session.principal = 'eve'), eve)
    const late = copyOf(client)
    await run(session => session.renew())

    t.equal(await middleware.signOutEverywhere('ada'), 3)

    for (const user of [client, phone, late]) t.equal(await run(session => session.isNew, user), true)
    t.equal(await run(session => session.principal, eve), 'eve')
  })

  t.test('can be signed out everywhere else', async t => {
    const { run, client, middleware } = await start(t)
    const phone = client.fork()
    for (const user of [client, phone]) await run(session => (session.principal = 'ada'), user)

    t.equal(await run(session => middleware.signOutEverywhere('ada', { except: session })), 1)

    t.equal(await run(session => session.principal), 'ada')
    t.equal(await run(session => session.isNew, phone), true)
  })

  t.test('is signed out although a request of its is still running, which learns of it (P38)', async t => {
    const { run, client, middleware, store } = await start(t)
    await run(session => (session.principal = 'ada'))
    const reasons: unknown[] = []
    const watch = (request: Request) =>
      request.signal.addEventListener('abort', () => reasons.push(request.signal.reason))

    const status = await run(async (session, request) => {
      watch(request)
      const spared = await run(
        (session, request) => (watch(request), middleware.signOutEverywhere('ada', { except: session })),
        copyOf(client),
      )
      t.equal(spared, 0)
      t.strictSame(reasons, [])
      await middleware.signOutEverywhere('ada')
      session.set(note, 'back again')
      session.renew()
    })

    t.equal(status, 409)
    t.equal(store.size, 0)
    t.ok(reasons[0] instanceof SessionRevoked)
    t.match(reasons, [{ closeCode: 1008, name: 'AbortError' }])
    await middleware.signOutEverywhere('ada')
    t.equal(reasons.length, 1)
  })
})
