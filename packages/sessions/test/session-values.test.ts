import { Application, createLogger, json } from '@allium/core'
import type { Request } from '@allium/core'
import { getSession, MemoryStore, SessionKey, sessions } from '@allium/sessions'
import { testClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

const silent = createLogger('error', () => {})

const views = new SessionKey<number>('views')

const cart = new SessionKey<string[]>('cart')

void t.test('the values of a session', async t => {
  /** Runs each step in a request of one visitor, one after another. */
  async function inTurn(t: Test, ...steps: ((session: Awaited<ReturnType<typeof getSession>>) => unknown)[]) {
    const app = new Application({ logger: silent })
    app.use(sessions({ storage: new MemoryStore() }))
    app.get('/:step', async request => {
      const result = await steps[Number(request.params.step)]!(await getSession(request))
      return json(result ?? null)
    })
    const client = await testClient(t, app)
    const results: unknown[] = []
    for (const step of steps.keys()) {
      const response = await client.get(`/${step}`)
      results.push(response.ok ? await response.json() : response.status)
    }
    return results
  }

  t.test('can be got, set, asked for, deleted and cleared', async t => {
    const results = await inTurn(
      t,
      session => {
        session.set(views, 1)
        session.set(cart, ['a'])
        return [session.get(views), session.has(cart)]
      },
      session => {
        session.delete(views)
        return [session.has(views), session.get(cart)]
      },
      session => {
        const seen = [session.get(views), session.get(cart)]
        session.clear()
        return [...seen, session.has(cart)]
      },
      session => [session.has(cart), session.isNew],
    )

    t.same(results, [
      [1, true],
      [false, ['a']],
      [null, ['a'], false],
      [false, false],
    ])
  })

  t.test('may be changed in place', async t => {
    const results = await inTurn(
      t,
      session => session.set(cart, ['a']),
      session => session.get(cart)!.push('b'),
      session => session.get(cart),
    )

    t.same(results, [null, 2, ['a', 'b']])
  })

  t.test('keep what could be mistaken for part of an object (P43)', async t => {
    const proto = new SessionKey<unknown>('__proto__')
    const results = await inTurn(
      t,
      session => session.set(proto, { polluted: true }),
      session => [session.get(proto), ({} as { polluted?: boolean }).polluted ?? null],
    )

    t.same(results[1], [{ polluted: true }, null])
  })

  t.test('can be worked out of the former ones, also several times and after others', async t => {
    const results = await inTurn(
      t,
      session => {
        session.set(views, 1)
        session.update(views, (count = 0) => count + 1)
        session.update(views, (count = 0) => count + 1)
      },
      session => {
        session.delete(views)
        session.update(views, (count = 10) => count + 1)
      },
      session => {
        const before = session.get(views)
        session.update(views, () => undefined)
        return [before, session.has(views)]
      },
      session => session.has(views),
    )

    t.same(results.slice(2), [[11, false], false])
  })

  t.test('have to be JSON, and their functions synchronous', async t => {
    await inTurn(t, session => {
      const anything = new SessionKey<unknown>('anything')
      t.throws(
        () => session.set(anything, undefined),
        new TypeError('Cannot set session value "anything": JSON has no undefined'),
      )
      t.throws(() => session.set(anything, () => {}), TypeError)
      t.throws(() => session.set(anything, 1n), TypeError)
      t.throws(() => session.update(anything, async () => Promise.reject(new Error('late'))), TypeError)
      t.notOk(session.has(anything))
    })
  })

  t.test('have names of their own', async t => {
    t.throws(() => new SessionKey(''), TypeError)
    t.throws(() => new SessionKey('~flash'), TypeError)
  })

  t.test('may take so many bytes and no more', async t => {
    const results = await inTurn(
      t,
      session => session.set(cart, ['x'.repeat(65_000)]),
      session => session.set(cart, ['x'.repeat(66_000)]),
      session => session.get(cart)![0]!.length,
    )

    t.same(results, [null, 500, 65_000])
  })

  t.test('can be flashed: left for the next page that asks, once', async t => {
    const results = await inTurn(
      t,
      session => session.takeFlash(),
      session => {
        session.flash('info', 'saved')
        session.flash('error', 'not sent')
      },
      session => session.takeFlash(),
      session => session.takeFlash(),
    )

    const messages = [
      { kind: 'info', text: 'saved' },
      { kind: 'error', text: 'not sent' },
    ]
    t.same(results, [[], null, messages, []])
  })
})

void t.test('a key with a schema', async t => {
  const isNumber = (value: unknown) =>
    typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] }
  const schema = <Value>(
    validate: (value: unknown) => { value: Value } | { issues: { message: string }[] },
  ) => ({
    '~standard': { version: 1, vendor: 'test', validate } as const,
  })
  const old = new SessionKey<unknown>('size')
  const size = new SessionKey('size', { schema: schema(isNumber) })
  const date = new SessionKey('date', {
    schema: schema(value => ({ value: { when: new Date((value as { when: string }).when) } })),
  })

  async function clientOf(t: Test, handler: (request: Request) => Promise<unknown>) {
    const app = new Application({ logger: silent })
    app.use(sessions({ storage: new MemoryStore() }))
    app.get('/', async request => json((await handler(request)) ?? null))
    return testClient(t, app)
  }

  t.test('gives nothing for an old value that does not pass', async t => {
    const client = await clientOf(t, async request => {
      const session = await getSession(request)
      session.set(old, 'large')
      const before = [session.get(size), session.has(size)]
      session.update(size, (value = 7) => value)
      return [...before, session.get(size), session.get(old)]
    })

    t.same(await (await client.get('/')).json(), [null, false, 7, 7])
  })

  t.test('gives what the schema makes, which may be changed in place, under keys of one name', async t => {
    const raw = new SessionKey<{ when: string }>('date')
    const client = await clientOf(t, async request => {
      const session = await getSession(request)
      if (session.isNew) return session.set(date, { when: new Date(0) })
      const { when } = session.get(date)!
      t.equal(session.get(date)!.when, when)
      when.setFullYear(2000)
      return session.get(raw)
    })
    await client.get('/')

    t.same(await (await client.get('/')).json(), { when: '2000-01-01T00:00:00.000Z' })
    t.same(await (await client.get('/')).json(), { when: '2000-01-01T00:00:00.000Z' })
  })

  t.test('must not be asynchronous', async t => {
    const slow = new SessionKey('slow', {
      schema: {
        '~standard': { version: 1, vendor: 'test', validate: async () => Promise.reject(new Error('late')) },
      },
    })
    const client = await clientOf(t, async request => {
      const session = await getSession(request)
      session.set(slow, 1)
      t.throws(
        () => session.get(slow),
        new TypeError('Cannot read session value "slow": its schema is asynchronous'),
      )
    })

    t.equal((await client.get('/')).status, 200)
  })
})
