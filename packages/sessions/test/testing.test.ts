import { Application, json } from '@allium/core'
import { getSession, MemoryStore, SealedCookieStorage, SessionKey, sessions } from '@allium/sessions'
import { sessionOf } from '@allium/sessions/testing'
import { testClient } from '@allium/testing'
import t from 'tap'

const note = new SessionKey<string>('note')

void t.test('sessionOf', async t => {
  const storages = {
    'a store': () => sessions({ storage: new MemoryStore() }),
    'a sealed cookie': () =>
      sessions({ storage: new SealedCookieStorage({ passwords: 'a password of more than 32 characters' }) }),
  }
  for (const [name, create] of Object.entries(storages)) {
    t.test(`plants a session in ${name}, reads it, and removes it`, async t => {
      const middleware = create()
      const app = new Application()
      app.use(middleware)
      app.get('/', async request => {
        const session = await getSession(request)
        session.update(note, (text = '') => `${text}!`)
        return json([session.principal, session.isNew])
      })
      const client = await testClient(t, app)

      const planted = await sessionOf(client, middleware)
      planted.set(note, 'planted')
      planted.principal = 'ada'
      await planted.save()

      t.same(await (await client.get('/')).json(), ['ada', false])
      const read = await sessionOf(client, middleware)
      t.equal(read.get(note), 'planted!')
      read.destroy()
      await read.save()
      t.same(await (await client.get('/')).json(), [null, true])
    })
  }
})
