import { Application, AppRunner, html, text, UsageError } from '@allium/core'
import t from 'tap'

t.test('AppRunner', async t => {
  t.test('listens, answers and stops', async t => {
    const app = new Application()
    app.get('/', () => html('<p>hello'))
    const runner = new AppRunner(app, { keepAliveTimeout: undefined })
    await runner.startup()
    const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

    t.equal(await (await fetch(url)).text(), '<p>hello')
    t.equal(runner.addresses[0]!.url, url)
    await runner.stop()

    await t.rejects(fetch(url))
    t.equal(runner.wasForced, false)
  })

  t.test('answers what is in flight when it stops, and closes the connection', async t => {
    let release!: () => void
    const released = new Promise<void>(resolve => (release = resolve))
    const app = new Application()
    const begun = new Promise<void>(resolve => {
      app.get('/', async () => {
        resolve()
        await released
        return text('finished')
      })
    })
    const runner = new AppRunner(app)
    await runner.startup()
    const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

    const pending = fetch(url)
    await begun
    const stopped = runner.stop()
    release()
    const response = await pending

    t.equal(response.headers.get('connection'), 'close')
    t.equal(await response.text(), 'finished')
    await stopped
    t.equal(runner.wasForced, false)
  })

  t.test('cuts what is left at the deadline, and says so', async t => {
    const app = new Application()
    const begun = new Promise<void>(resolve => {
      app.get('/', () => {
        resolve()
        return new Promise(() => {})
      })
    })
    const runner = new AppRunner(app, { shutdownTimeout: 100 })
    await runner.startup()
    const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

    const pending = fetch(url)
    await begun
    await Promise.all([runner.stop(), t.rejects(pending)])

    t.equal(runner.wasForced, true)
  })

  t.test('refuses what comes out of order', async t => {
    const runner = new AppRunner(new Application())
    await t.rejects(runner.listen(), { code: 'ERR_RUNNER_STATE', message: /the runner is not started/ })
    await runner.startup()
    await t.rejects(runner.startup(), { code: 'ERR_RUNNER_STATE', message: /the runner is running/ })
    await runner.stop()

    t.throws(() => runner.accept(undefined as never), UsageError)
    await new AppRunner(new Application()).stop()
  })

  t.test('may be started again after a failed startup', async t => {
    let fails = true
    const app = new Application()
    app.onStartup.add(() => {
      if (fails) throw new Error('first time')
    })
    await using runner = new AppRunner(app)

    await t.rejects(runner.startup(), { message: 'first time' })
    fails = false
    await runner.startup()
  })

  t.test('gathers the errors of a stop', async t => {
    const app = new Application()
    app.onShutdown.add(() => Promise.reject(new Error('shutdown')))
    app.onCleanup.add(() => Promise.reject(new Error('cleanup')))
    const runner = new AppRunner(app)
    await runner.startup()

    await t.rejects(runner.stop(), { name: 'AggregateError', errors: { length: 2 } })
  })
})
