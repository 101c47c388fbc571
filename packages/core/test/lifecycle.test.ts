import { AppKey, Application, createLogger, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

const silent = createLogger('error', () => {})

/** A middleware that leaves its mark on every response that passes it. */
function mark(name: string): Middleware {
  return async (request, next) => {
    const response = await next(request)
    response.headers.append('x-passed', name)
    return response
  }
}

t.test('the lifecycle of an application and its mounts', t => {
  const track = (name: string, order: string[], failing: string[] = []) => {
    const app = new Application({ name, logger: silent })
    const step = (what: string) => {
      order.push(`${name} ${what}`)
      if (failing.includes(what)) throw new Error(`${name} ${what}`)
    }
    for (const context of ['A', 'B']) {
      app.cleanupContexts.add(async function* () {
        step(`${context} in`)
        yield
        step(`${context} out`)
      })
    }
    app.onStartup.add(() => step('startup'))
    app.onShutdown.add(() => step('shutdown'))
    app.onCleanup.add(() => step('cleanup'))
    return app
  }

  t.test('goes in from the outside, and out from the inside', async t => {
    const order: string[] = []
    const app = track('outer', order)
    app.mount('/inner', track('inner', order))

    await app.startup()
    await app.shutdown()
    await app.cleanup()

    t.strictSame(order, [
      ...['outer A in', 'outer B in', 'outer startup', 'inner A in', 'inner B in', 'inner startup'],
      ...['inner shutdown', 'outer shutdown'],
      ...['inner B out', 'inner A out', 'inner cleanup', 'outer B out', 'outer A out', 'outer cleanup'],
    ])
  })

  t.test('unwinds what was entered when a start fails half-way, and rethrows the first error', async t => {
    const order: string[] = []
    const app = track('outer', order, ['A out'])
    app.mount('/inner', track('inner', order, ['B in']))

    await t.rejects(app.startup(), { message: 'inner B in' })

    t.strictSame(order.slice(4), ['inner B in', 'inner A out', 'outer B out', 'outer A out', 'outer cleanup'])
  })

  t.test('runs every teardown: one error comes as it is, several together', async t => {
    const one = track('one', [], ['A out'])
    const several = track('several', [], ['A out', 'B out', 'cleanup'])
    await one.startup()
    await several.startup()

    await t.rejects(one.cleanup(), { message: 'one A out' })
    await t.rejects(several.cleanup(), { name: 'AggregateError', errors: { length: 3 } })
  })

  t.test('gathers the errors of onShutdown', async t => {
    const app = track('outer', [], ['shutdown'])
    app.mount('/inner', track('inner', [], ['shutdown']))
    await app.startup()
    t.teardown(() => app.cleanup())

    await t.rejects(app.shutdown(), { name: 'AggregateError' })
  })

  t.test('shares one startup among runners, and cleans up with the last', async t => {
    const order: string[] = []
    const app = track('app', order)

    await Promise.all([app.startup(), app.startup()])
    await app.cleanup()
    t.equal(order.length, 3)
    await app.cleanup()
    await app.cleanup()

    t.equal(order.length, 6)
  })

  t.test('starts again after cleanup, from the state before', async t => {
    const key = new AppKey<number>('n')
    const app = new Application()
    let n = 0
    app.provide(key, async function* () {
      yield ++n
    })

    for (const expected of [1, 2]) {
      await app.startup()
      t.equal(app.state.get(key), expected)
      await app.cleanup()
      t.equal(app.state.has(key), false)
    }
  })

  t.test('fails both of two startups that share one failure, and can be tried again', async t => {
    let fails = true
    const app = new Application()
    app.onStartup.add(() => {
      if (fails) throw new Error('not yet')
    })

    const results = await Promise.allSettled([app.startup(), app.startup()])
    fails = false
    await app.startup()
    await app.cleanup()

    t.strictSame(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
  })

  t.test('skips the provider of a key that is overridden', async t => {
    const key = new AppKey<string>('db')
    const app = new Application()
    app.provide(key, async function* () {
      t.fail('the provider ran')
      yield 'real'
    })
    app.get('/', ({ app }) => text(app.state.get(key)))
    const client = await testClient(t, app, { state: [[key, 'fake']] })

    t.equal(await (await client.get('/')).text(), 'fake')
  })

  t.test('takes a disposable for a context, and refuses generators without exactly one yield', async t => {
    let disposed = false
    const app = new Application()
    app.cleanupContexts.add(() => ({ [Symbol.asyncDispose]: async () => void (disposed = true) }))
    await app.startup()
    await app.cleanup()
    t.equal(disposed, true)

    const none = new Application()
    none.cleanupContexts.add(async function* none() {})
    await t.rejects(none.startup(), { code: 'ERR_CLEANUP_CONTEXT', message: /ended without a yield/ })

    const two = new Application()
    two.cleanupContexts.add(async function* () {
      yield
      yield
    })
    await two.startup()
    await t.rejects(two.cleanup(), { code: 'ERR_CLEANUP_CONTEXT', message: /yielded a second time/ })
  })

  t.end()
})

t.test('Application', async t => {
  t.test('is frozen by its startup', async t => {
    const app = new Application()
    const key = new AppKey<string>('late')
    await app.startup()
    t.teardown(() => app.cleanup())

    t.throws(() => app.get('/', () => text('')), { code: 'ERR_APP_FROZEN' })
    t.throws(() => app.use(mark('late')), { code: 'ERR_APP_FROZEN' })
    t.throws(() => app.onStartup.add(() => {}), { code: 'ERR_SIGNAL_FROZEN' })
    t.throws(() => app.state.set(key, 'x'), { code: 'ERR_STATE_FROZEN' })
    t.throws(() => app.provide(key, async function* () { yield 'x' }), { code: 'ERR_APP_FROZEN' }) // prettier-ignore
  })
})
