import { Application, AppRunner, createLogger, healthRoutes, text } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

t.test('healthRoutes', async t => {
  t.test('say that the process is alive, and ready', async t => {
    const app = new Application()
    app.addRoutes(healthRoutes())
    const client = await testClient(t, app)

    for (const path of ['/livez', '/readyz']) {
      const response = await client.get(path)
      t.same([response.status, await response.text()], [200, 'ok\n'], path)
      t.equal(response.headers.get('cache-control'), 'no-store')
    }
  })

  t.test('say not ready while the check throws, without a word of why', async t => {
    const lines: string[] = []
    const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
    const check = () => Promise.reject(new Error('database at 10.0.0.7 refused'))
    app.addRoutes(healthRoutes({ live: '/alive', ready: '/ready', check }))
    const client = await testClient(t, app)

    const response = await client.get('/ready')

    t.equal(response.status, 503)
    t.notMatch(await response.text(), /10\.0\.0\.7/)
    t.match(lines.join(''), /10\.0\.0\.7/)
    t.equal((await client.get('/alive')).status, 200)
  })

  t.test('say not ready before the server stops accepting, in mounted applications too', async t => {
    const app = new Application()
    const admin = new Application()
    app.mount('/admin', admin)
    admin.addRoutes(healthRoutes())
    app.get('/', () => text('served'))
    const runner = new AppRunner(app, { drainDelay: 1000 })
    await runner.startup()
    const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

    const stopped = runner.stop()

    t.equal((await fetch(`${url}/admin/readyz`)).status, 503)
    t.equal((await fetch(`${url}/admin/livez`)).status, 200)
    t.equal(await (await fetch(url)).text(), 'served')
    await stopped
    await t.rejects(fetch(url))
    t.notOk(runner.wasForced)
  })

  t.test('say ready again after another startup', async t => {
    const app = new Application()
    await new AppRunner(app).startup()
    app.drain()
    t.ok(app.isDraining)
    await app.cleanup()
    await app.startup()
    t.notOk(app.isDraining)
    await app.cleanup()
  })

  t.test('cannot drain for longer than there is time to stop', async t => {
    t.throws(() => new AppRunner(new Application(), { drainDelay: 30_000 }), RangeError)
  })
})
