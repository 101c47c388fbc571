import { SessionKey } from '@allium/sessions'
import type { Session } from '@allium/sessions'
import t from 'tap'

import { copyOf, start } from './stepped-app.ts'

const note = new SessionKey<string>('note')

const other = new SessionKey<string>('other')

const MINUTE = 60_000

const HOUR = 60 * MINUTE

const DAY = 24 * HOUR

void t.test('a session ends', async t => {
  t.test('when it was not used for the idle time, whatever the cookie says (P39)', async t => {
    const { time, run } = await start(t)
    await run(session => session.set(note, 'a'))

    time.now += DAY - 1
    t.equal(await run(session => session.get(note)), 'a')
    time.now += DAY - 1
    t.equal(await run(session => session.get(note)), 'a')
    time.now += DAY
    t.same(await run(session => [session.get(note) ?? null, session.isNew]), [null, true])
  })

  t.test('at its absolute end, however much it is used (P39)', async t => {
    const { time, run } = await start(t, { idleTimeout: HOUR, absoluteTimeout: 3 * HOUR })
    await run(session => session.set(note, 'a'))

    for (const minutes of [50, 50, 50]) {
      time.now += minutes * MINUTE
      t.equal(await run(session => session.get(note)), 'a')
    }
    time.now += 30 * MINUTE
    t.equal(await run(session => session.isNew), true)
  })

  t.test('by limits that have become shorter since it was stored (P39)', async t => {
    const { time, store, run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const strict = await start(t, { storage: store, idleTimeout: HOUR, now: () => time.now })
    strict.client.cookies.set('session', client.cookies.get('session')!)

    time.now += 2 * HOUR
    t.equal(await strict.run(session => session.isNew), true)
    t.equal(await run(session => session.isNew), false)
  })

  t.test('never by itself where there is no absolute end', async t => {
    const { time, run } = await start(t, { absoluteTimeout: Infinity })
    await run(session => session.set(note, 'a'))
    for (let day = 0; day < 30; day++) {
      time.now += DAY - MINUTE
      t.equal(await run(session => session.get(note)), 'a')
    }
  })

  t.test('and another begins under another id', async t => {
    const { time, run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const before = client.cookies.get('session')

    time.now += 2 * DAY
    await run(session => session.set(note, 'b'))
    t.not(client.cookies.get('session'), before)
    t.equal(await run(session => session.get(note)), 'b')
  })
})

void t.test('a session that is only read', async t => {
  t.test('is prolonged once in a touch interval, and tells when it was last used', async t => {
    const { time, store, run } = await start(t)
    await run(session => session.set(note, 'a'))
    let touches = 0
    const touch = store.touch.bind(store)
    store.touch = (...args) => (touches++, touch(...args))
    const begun = time.now

    for (let seconds = 0; seconds < 130; seconds += 10) {
      time.now += 10_000
      await run(session => session.get(note))
    }

    t.equal(touches, 2)
    t.equal(await run(session => session.lastSeenAt), begun + 120_000)
    t.equal(await run(session => session.createdAt), begun)
  })

  t.test('gets its cookie again when that has a life time', async t => {
    const { time, run, setCookies } = await start(t, { cookie: { persistent: true } })
    await run(session => session.set(note, 'a'))
    const [cookie] = setCookies
    t.match(cookie, /^session=[\w-]{43}; Max-Age=86400;/)
    await run(session => session.get(note))
    await run(session => session.set(note, 'b'))
    t.equal(setCookies.length, 1)

    time.now += HOUR
    await run(session => session.get(note))
    time.now += HOUR
    await run(session => session.set(note, 'c'))
    t.strictSame(setCookies, [cookie, cookie, cookie])
  })

  t.test('is not prolonged any more when it has ended meanwhile', async t => {
    const { time, store, run, client } = await start(t, { cookie: { persistent: true } })
    await run(session => session.set(note, 'a'))
    time.now += HOUR

    await run((session, request) => {
      request.onPrepare((_, response) => void t.strictSame([...response.cookies.values()], []))
      store.delete(session.id!)
    })
    t.equal(await run(session => session.isNew), true)
    t.ok(client.cookies.get('session'))
  })
})

void t.test('destroy', async t => {
  t.test('removes the session and the cookie', async t => {
    const { run, client, store } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => session.destroy())

    t.equal(store.size, 0)
    t.equal(client.cookies.get('session'), undefined)
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('begins another session when something is set afterwards', async t => {
    const { run, client, store } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => {
      session.destroy()
      session.destroy()
      session.flash('info', 'signed out')
      return session.isNew
    })

    t.equal(store.size, 1)
    t.same(await run(session => [session.get(note) ?? null, session.takeFlash().length]), [null, 1])
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('of a new session is nothing', async t => {
    const { run, store } = await start(t)
    await run(session => (session.set(note, 'a'), session.destroy()))
    t.equal(store.size, 0)
  })

  t.test('cannot be undone by a request that is still running (P38)', async t => {
    const { run, client, store } = await start(t)
    await run(session => session.set(note, 'a'))
    const signsOut = copyOf(client)

    const status = await run(async session => {
      await run(session => session.destroy(), signsOut)
      session.set(other, 'b')
    })

    t.equal(status, 409)
    t.equal(store.size, 0)
  })

  t.test('does not trouble requests that only read, or remove', async t => {
    const { run, client } = await start(t)
    for (const step of [
      (session: Session) => session.delete(note),
      (session: Session) => session.clear(),
      (session: Session) => session.renew(),
      () => {},
    ]) {
      await run(session => session.set(note, 'a'))
      const signsOut = copyOf(client)
      const status = await run(async session => {
        await run(session => session.destroy(), signsOut)
        step(session)
      })
      t.equal(status, null)
    }
  })

  t.test('ends both ids of a session that was renewed, by either of them (P38)', async t => {
    for (const isLate of [true, false]) {
      const { run, client, store } = await start(t)
      await run(session => session.set(note, 'a'))
      const late = copyOf(client)
      await run(session => session.renew())
      t.equal(store.size, 2)

      await run(session => session.destroy(), isLate ? late : client)
      t.equal(store.size, 0)
    }
  })

  t.test('while the session is saved ends what is saved', async t => {
    const { run, store } = await start(t)
    await run(session => session.set(note, 'a'))
    await run(async session => {
      session.set(note, 'b')
      session.renew()
      const saved = session.save()
      await Promise.resolve()
      session.destroy()
      await saved
    })

    t.equal(store.size, 0)
  })
})
