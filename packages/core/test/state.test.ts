import { AppKey, Application, json, RequestKey } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

t.test('Application', async t => {
  t.test('has a state that tells what is set', async t => {
    const app = new Application()
    const key = new AppKey<string>('set')
    app.state.set(key, 'x')

    t.equal(app.state.has(key), true)
    t.equal(app.state.find(key), 'x')
    t.equal(app.state.has(new AppKey('unset')), false)
  })

  t.test('shows its state to what is mounted in it, and never the other way', async t => {
    const shared = new AppKey<string>('shared')
    const own = new AppKey<string>('own')
    const app = new Application()
    const inner = new Application()
    app.state.set(shared, 'outer')
    inner.state.set(own, 'inner')
    app.mount('/inner', inner)

    t.equal(inner.state.get(shared), 'outer')
    t.equal(app.state.find(own), undefined)
    t.throws(() => app.state.get(own), { code: 'ERR_STATE_KEY_UNSET', message: /"own"/ })
  })

  t.test('keeps request state for one request', async t => {
    const key = new RequestKey<number>('count')
    const app = new Application()
    app.use((request, next) => {
      t.equal(request.state.has(key), false)
      t.equal(request.state.find(key), undefined)
      t.throws(() => request.state.get(key), { code: 'ERR_STATE_KEY_UNSET' })
      request.state.set(key, 1)
      return next(request)
    })
    app.get('/', request => json(request.state.get(key)))
    const client = await testClient(t, app)

    t.equal(await (await client.get('/')).json(), 1)
    t.equal(await (await client.get('/')).json(), 1)
  })
})
