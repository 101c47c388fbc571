import { createLogger } from '@allium/core'
import { MemoryStore } from '@allium/sessions'
import { testClient } from '@allium/testing'
import type { TestClient, TestResponse } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

import { createApp } from './app.ts'

const PASSWORD = 'correct horse battery'

function client(t: Test): Promise<TestClient> {
  const app = createApp({ storage: new MemoryStore(), logger: createLogger('error', () => {}) })
  return testClient(t, app, { clock: 'virtual' })
}

function signIn(visitor: TestClient, name = 'ada', password = PASSWORD): Promise<TestResponse> {
  return visitor.post('/sign-in', { form: { name, password } })
}

async function whoIs(visitor: TestClient): Promise<{ name?: string; messages: { text: string }[] }> {
  return (await visitor.get('/me')).json()
}

t.test('who knows the password is signed in, under a new id', async t => {
  const visitor = await client(t)
  await signIn(visitor, 'ada', 'wrong')
  const before = visitor.cookies.get('session')
  t.match(await whoIs(visitor), { messages: [{ text: 'There is no such name with that password' }] })

  const response = await signIn(visitor)

  t.equal(response.status, 303)
  t.not(visitor.cookies.get('session'), before)
  t.match(await whoIs(visitor), { name: 'ada', visits: 1, messages: [{ text: 'Welcome, ada' }] })
  t.match(await whoIs(visitor), { name: 'ada', visits: 2, messages: [] })
})

t.test('who does not is nobody, whatever the name', async t => {
  const visitor = await client(t)
  for (const [name, password] of [
    ['ada', 'a moth in relay 70'],
    ['nobody', PASSWORD],
    ['__proto__', ''],
    ['', ''],
  ]) {
    await signIn(visitor, name, password)
    t.equal((await whoIs(visitor)).name, undefined)
  }
  for (const path of ['/devices', '/presence']) t.equal((await visitor.get(path)).status, 401)
})

t.test('signing out is for this device', async t => {
  const laptop = await client(t)
  const phone = laptop.fork()
  for (const visitor of [laptop, phone]) await signIn(visitor)

  await laptop.post('/sign-out')

  t.equal((await whoIs(laptop)).name, undefined)
  t.equal((await whoIs(phone)).name, 'ada')
})

t.test('signing out everywhere ends all of them, and closes their WebSockets', async t => {
  const laptop = await client(t)
  const [phone, stranger] = [laptop.fork(), laptop.fork()]
  for (const visitor of [laptop, phone]) await signIn(visitor)
  await signIn(stranger, 'grace', 'a moth in relay 70')
  const [first, second, third] = [
    await laptop.ws('/presence'),
    await phone.ws('/presence'),
    await stranger.ws('/presence'),
  ]

  await phone.post('/sign-out-everywhere')

  t.match(await first.closed, { code: 1008 })
  t.match(await second.closed, { code: 1008 })
  for (const visitor of [laptop, phone]) t.equal((await whoIs(visitor)).name, undefined)
  t.equal((await whoIs(stranger)).name, 'grace')
  await third.send('still here')
  t.equal(await third.receiveText(), '{"name":"grace"}')
})

t.test('devices are listed, and signed out one by one', async t => {
  const laptop = await client(t)
  const phone = laptop.fork()
  await signIn(laptop)
  await laptop.advance(1000)
  await signIn(phone)

  const devices = await (await laptop.get('/devices')).json<{ id: string; isThis: boolean }[]>()
  t.match(devices, [{ isThis: false }, { isThis: true }])
  const ended = await laptop.post(`/devices/${devices[0]!.id}/sign-out`)

  t.equal(await ended.json(), true)
  t.equal((await whoIs(phone)).name, undefined)
  t.equal((await whoIs(laptop)).name, 'ada')
})

t.test('a session that nobody uses for a day is over', async t => {
  const visitor = await client(t)
  await signIn(visitor)
  await visitor.advance(24 * 60 * 60 * 1000)

  t.equal((await whoIs(visitor)).name, undefined)
})
