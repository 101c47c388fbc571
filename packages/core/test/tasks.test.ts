import { Application, AppRunner, createLogger, RequestAborted, text } from '@allium/core'
import type { Task, TaskAborted } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}

async function running(app: Application): Promise<AppRunner> {
  const runner = new AppRunner(app, { shutdownTimeout: 1000 })
  await runner.startup()
  await runner.listen({ host: '127.0.0.1', port: 0 })
  return runner
}

function quietApp(options?: ConstructorParameters<typeof Application>[0]): {
  app: Application
  lines: string[]
} {
  const lines: string[] = []
  return {
    app: new Application({ ...options, logger: createLogger('warn', line => lines.push(line)) }),
    lines,
  }
}

t.test('tasks', async t => {
  t.test('run beside the request that spawned them, and are listed while they do', async t => {
    const { opened, open } = gate()
    const app = new Application()
    app.post('/', async request => {
      await request.app.tasks.spawn('mail', () => opened)
      return text('accepted', { status: 202 })
    })
    const client = await testClient(t, app)

    t.equal((await client.post('/')).status, 202)
    const [task] = app.tasks.running
    t.match(task, { name: 'mail', state: 'running' })
    open()
    await task!.ended
    t.equal(task!.state, 'ended')
    t.same(app.tasks.running, [])
  })

  t.test('may be as many as the limit at once; the others wait for their turn, in order', async t => {
    const first = gate()
    const order: string[] = []
    const app = new Application({ tasks: { limit: 1 } })
    await using _runner = await running(app)

    await app.tasks.spawn('a', () => first.opened)
    const second = await app.tasks.spawn('b', () => order.push('b'))
    const third = await app.tasks.spawn('c', () => order.push('c'))
    t.same(
      app.tasks.pending.map(task => [task.name, task.state]),
      [
        ['b', 'pending'],
        ['c', 'pending'],
      ],
    )
    first.open()
    await Promise.all([second.ended, third.ended])

    t.same(order, ['b', 'c'])
  })

  t.test('make spawn wait when too many wait', async t => {
    const first = gate()
    const app = new Application({ tasks: { limit: 1, pendingLimit: 0 } })
    await using _runner = await running(app)

    await app.tasks.spawn('a', () => first.opened)
    let accepted = false
    const spawning = app.tasks.spawn('b', () => {}).then(() => (accepted = true))
    await new Promise(resolve => setImmediate(resolve))
    t.equal(accepted, false)
    first.open()
    await spawning

    t.equal(accepted, true)
  })

  t.test('have their failures logged and counted, whatever is thrown, and never end the process', async t => {
    const { app, lines } = quietApp()
    await using _runner = await running(app)

    const failures = await Promise.all([
      app.tasks.spawn('sync', () => {
        throw new Error('broken at once')
      }),
      app.tasks.spawn('async', () => Promise.reject(new Error('broken later'))),
      app.tasks.spawn('odd', () => Promise.reject(undefined as unknown as Error)),
    ])
    await Promise.all(failures.map(task => task.ended))
    await new Promise(resolve => setImmediate(resolve))

    t.equal(app.tasks.failed, 3)
    t.match(failures[0].error, { message: 'broken at once' })
    t.match(lines.join(''), /task=sync[^]*broken at once[^]*broken later[^]*threw undefined/)
  })

  t.test('say in debug mode where they were spawned', async t => {
    const { app, lines } = quietApp({ debug: true })
    await using _runner = await running(app)

    const task = await app.tasks.spawn('lost', () => Promise.reject(new Error('x')))
    await task.ended
    await new Promise(resolve => setImmediate(resolve))

    t.match(lines.join(''), /spawnedAt=.*tasks\.test/)
  })

  t.test('may have a time limit: their AbortSignal fires', async t => {
    const { app, lines } = quietApp()
    await using _runner = await running(app)

    const task = await app.tasks.spawn('slow', untilAborted, { timeout: 10 })
    await task.ended

    t.match(task.error, { abortCause: 'timeout' })
    t.same(lines, [], 'an end on demand is no failure')
  })

  t.test('may be aborted: one that has not begun never will', async t => {
    const app = new Application({ tasks: { limit: 1 } })
    await using _runner = await running(app)
    let ran = false

    const busy = await app.tasks.spawn('busy', signal => untilAborted(signal).catch(asAbortError))
    const waiting = await app.tasks.spawn('waiting', () => (ran = true))
    waiting.abort()
    busy.abort()
    await Promise.all([busy.ended, waiting.ended])

    t.equal(ran, false)
    t.ok(busy.error instanceof Error)
    t.equal(app.tasks.failed, 0)
  })

  t.test('are told of the shutdown and waited for before anything is torn down', async t => {
    const order: string[] = []
    const app = new Application()
    app.onCleanup.add(() => void order.push('cleanup'))
    app.onStartup.add(async app => {
      await app.tasks.spawn('poller', async signal => {
        await untilAborted(signal).catch((error: unknown) => order.push((error as TaskAborted).abortCause))
        await new Promise(resolve => setImmediate(resolve))
        order.push('task')
      })
    })
    const runner = await running(app)

    await runner.stop()

    t.same(order, ['shutdown', 'task', 'cleanup'])
    t.notOk(runner.wasForced)
  })

  t.test('that do not end are left behind at the deadline, by name', async t => {
    const { app, lines } = quietApp()
    const runner = new AppRunner(app, { shutdownTimeout: 50 })
    await runner.startup()
    await app.tasks.spawn('stubborn', () => new Promise(() => {}))

    await runner.stop()

    t.ok(runner.wasForced)
    t.match(lines.join(''), /A task outlived its application task=stubborn/)
  })

  t.test(
    'may come from a handler that is still answering: they run, with their AbortSignal fired',
    async t => {
      const inside = gate()
      const goOn = gate()
      let task: Task | undefined
      let reason: unknown
      const app = new Application()
      app.get('/', async request => {
        inside.open()
        await goOn.opened
        task = await request.app.tasks.spawn('late', signal => (reason = signal.reason))
        return text('done')
      })
      const runner = await running(app)
      const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

      const response = fetch(url)
      await inside.opened
      const stopped = runner.stop()
      goOn.open()
      t.equal((await response).status, 200)
      await stopped

      t.equal(task!.state, 'ended')
      t.match(reason, { abortCause: 'shutdown' })
      t.notOk(reason instanceof RequestAborted)
    },
  )

  t.test('of a mounted application are those of the outermost', async t => {
    const app = new Application()
    const admin = new Application()
    app.mount('/admin', admin)
    t.equal(admin.tasks, app.tasks)
  })

  t.test('cannot be spawned before startup, after the end, or while waiting for room at the end', async t => {
    const { app } = quietApp({ tasks: { limit: 1, pendingLimit: 0 } })
    await t.rejects(
      app.tasks.spawn('early', () => {}),
      { code: 'ERR_TASKS_CLOSED' },
    )
    const runner = new AppRunner(app, { shutdownTimeout: 50 })
    await runner.startup()
    await app.tasks.spawn('stubborn', () => new Promise(() => {}))
    const waiting = app.tasks.spawn('waiting', () => {})
    const refused = t.rejects(waiting, { code: 'ERR_TASKS_CLOSED' })

    await runner.stop()

    await refused
    await t.rejects(
      app.tasks.spawn('late', () => {}),
      { code: 'ERR_TASKS_CLOSED' },
    )
  })

  t.test('end with a startup that fails, and are there again after the next one', async t => {
    const { app } = quietApp()
    let fails = true
    let spawned: Task | undefined
    app.onStartup.add(async app => {
      spawned = await app.tasks.spawn('early', signal => untilAborted(signal).catch(() => {}))
      if (fails) throw new Error('no database')
    })

    await t.rejects(app.startup(), /no database/)
    await spawned!.ended
    fails = false
    await using _runner = await running(app)

    t.equal(app.tasks.running.length, 1)
  })

  t.test('need limits that make sense', async t => {
    t.throws(() => new Application({ tasks: { limit: 0 } }), RangeError)
    t.throws(() => new Application({ tasks: { pendingLimit: -1 } }), RangeError)
    t.throws(() => new Application({ tasks: { limit: NaN } }), RangeError)
  })
})

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(signal.reason as Error)
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail)
  })
}

function asAbortError(): never {
  throw Object.assign(new Error('stopped'), { name: 'AbortError' })
}
