import { SessionKey } from '@allium/sessions'
import t from 'tap'

import { copyOf, start } from './stepped-app.ts'

const note = new SessionKey<string>('note')

const MINUTE = 60_000

const HOUR = 60 * MINUTE

void t.test('renew', async t => {
  t.test('gives another id, under which everything is as before', async t => {
    const { time, run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const before = client.cookies.get('session')
    const begun = time.now
    time.now += HOUR
    const ids = (await run(session => (session.renew(), session.id))) as string

    t.not(client.cookies.get('session'), before)
    t.same(await run(session => [session.get(note), session.createdAt, session.id === ids]), [
      'a',
      begun,
      false,
    ])
  })

  t.test('leaves the old id what it held, read-only, for a grace (P38)', async t => {
    const { time, run, client } = await start(t)
    await run(session => session.set(note, 'old'))
    const late = copyOf(client)
    await run(session => (session.renew(), session.set(note, 'new')))

    t.same(await run(session => [session.get(note), session.isReadOnly], late), ['old', true])
    t.equal(await run(session => session.set(note, 'x'), late), 409)
    t.equal(await run(session => session.delete(note), late), 409)
    t.equal(await run(session => session.update(note, () => 'x'), late), 409)
    t.equal(await run(session => session.renew(), late), 409)
    t.equal(await run(session => (session.principal = 'x'), late), 409)
    t.equal(await run(session => session.flash('info', 'x'), late), 409)
    t.equal(await run(session => session.get(note)), 'new')

    time.now += 30_000
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('shows messages to late requests without taking them', async t => {
    const { run, client } = await start(t)
    await run(session => session.flash('info', 'saved'))
    const late = copyOf(client)
    await run(session => session.renew())

    t.equal(((await run(session => session.takeFlash(), late)) as unknown[]).length, 1)
    t.equal(((await run(session => session.takeFlash())) as unknown[]).length, 1)
  })

  t.test('leaves no more than one old id', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const first = copyOf(client)
    await run(session => session.renew())
    const second = copyOf(client)
    await run(session => session.renew())

    t.equal(await run(session => session.isNew, first), true)
    t.equal(await run(session => session.isReadOnly, second), true)
  })

  t.test('is done once when two requests want it, and refuses the changes of the second', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const second = copyOf(client)

    const status = await run(async session => {
      await run(session => session.renew(), second)
      session.renew()
    })
    t.equal(status, null)
    t.equal(await run(session => session.isReadOnly), true)
    t.equal(await run(session => session.isReadOnly, second), false)

    const late = copyOf(second)
    const refused = await run(async session => {
      await run(session => session.renew(), second)
      session.set(note, 'b')
    }, late)
    t.equal(refused, 409)
    t.equal(await run(session => session.get(note), second), 'a')
  })
})

void t.test('regenerate', async t => {
  t.test('gives another id, and makes the old one nothing at once (P38)', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => session.regenerate())

    t.equal(await run(session => session.get(note)), 'a')
    t.equal(await run(session => session.isNew, late), true)
  })

  t.test('ends what a renewal has left behind as well (P38)', async t => {
    const { run, client } = await start(t)
    await run(session => session.set(note, 'a'))
    const late = copyOf(client)
    await run(session => session.renew())
    await run(session => session.regenerate())

    t.equal(await run(session => session.isNew, late), true)
  })

  t.test(
    'is what signing in does, so that an id planted before is nothing afterwards (P37, P38)',
    async t => {
      const { time, run, client } = await start(t)
      await run(session => session.set(note, 'basket'))
      const attacker = copyOf(client)
      time.now += HOUR
      await run(session => (session.principal = 'ada'))

      t.same(await run(session => [session.principal, session.get(note), session.createdAt]), [
        'ada',
        'basket',
        time.now,
      ])
      t.equal(await run(session => session.isNew, attacker), true)
      const signedIn = copyOf(client)
      await run(session => (session.principal = undefined))
      t.same(await run(session => session.principal), null)
      t.equal(await run(session => session.isNew, signedIn), true)
    },
  )

  t.test('is refused to a request whose session has ended meanwhile (P38)', async t => {
    const { store, run } = await start(t)
    await run(session => session.set(note, 'a'))

    t.equal(await run(session => (store.delete(session.id!), session.regenerate())), 409)
    t.equal(store.size, 0)
  })
})
