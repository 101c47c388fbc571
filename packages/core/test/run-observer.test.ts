import { AppKey, Application, AppRunner, createLogger, HttpNotFound, text } from '@allium/core'
import type { RunObserver } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

const silent = createLogger('error', () => {})

function createObserver() {
  const events: string[] = []
  const observer: RunObserver = {
    began: request => events.push(`began ${request.method} ${request.path} ${request.route?.path}`),
    entered: (_, layer) => events.push(`entered ${layer.kind} ${layer.name}`),
    left: (_, layer, error) =>
      events.push(`left ${layer.name}${error ? ` ${(error as Error).message}` : ''}`),
    finished: (request, response) => events.push(`finished ${request.route?.path} ${response?.status}`),
  }
  return { events, observer }
}

t.test('tells of each request and each layer, in order', async t => {
  const { events, observer } = createObserver()
  const app = new Application()
  app.use(async function outer(request, next) {
    return next(request)
  })
  app.get('/:id', async function show() {
    return text('ok')
  })
  const client = await testClient(t, app, { runner: { observer } })
  await (await client.get('/1')).text()

  t.same(events, [
    'began GET /1 undefined',
    'entered middleware outer',
    'entered handler show',
    'left show',
    'left outer',
    'finished /:id 200',
  ])
})

t.test('tells of layers that throw, at once or later, and of those that are not asynchronous', async t => {
  const { events, observer } = createObserver()
  const app = new Application({ logger: silent })
  app.get('/at-once', () => {
    throw new HttpNotFound('at once')
  })
  app.get('/later', async () => {
    throw new HttpNotFound('later')
  })
  app.get('/plain', () => text('plain'))
  const client = await testClient(t, app, { runner: { observer } })
  for (const path of ['/at-once', '/later', '/plain']) await (await client.get(path)).text()

  t.same(
    events.filter(event => event.startsWith('left')),
    ['left anonymous at once', 'left anonymous later', 'left anonymous'],
  )
})

t.test('an application that ran unobserved may be observed, and the other way round', async t => {
  const { events, observer } = createObserver()
  const app = new Application()
  app.get('/', () => text('ok'))
  const observers = [undefined, observer, undefined]
  for (const each of observers) {
    const runner = new AppRunner(app, { observer: each })
    await runner.startup()
    t.equal(app.observer, each)
    await runner.stop()
  }
  const client = await testClient(t, app, { runner: { observer: undefined } })
  await (await client.get('/')).text()

  t.same(events, [])
})

t.test('a runner tells what is left when the time to stop is over', async t => {
  const slow = new AppKey<string>('slow')
  const app = new Application({ logger: silent })
  let finish!: () => void
  const finished = new Promise<void>(resolve => (finish = resolve))
  app.cleanupContexts.add(async function* first() {
    yield
  })
  app.provide(slow, async function* () {
    yield ''
    await finished
  })
  const { observer } = createObserver()
  const runner = new AppRunner(app, { shutdownTimeout: 10, observer })
  await runner.startup()
  t.same(
    runner.unfinished.cleanups.map(({ name }) => name),
    ['slow', 'first', 'onCleanup'],
  )
  const task = await app.tasks.spawn('stubborn', () => finished)
  await runner.stop()

  t.same(runner.unfinished.tasks, [task])
  t.match(runner.unfinished.cleanups[0]?.addedAt, /run-observer\.test/)
  t.match(task.spawnedAt, /run-observer\.test/)
  finish()
  await task.ended
  t.same(runner.unfinished.tasks, [])
})
