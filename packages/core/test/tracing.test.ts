import { AsyncLocalStorage } from 'node:async_hooks'
import type { TracingChannel, TracingChannelSubscribers } from 'node:diagnostics_channel'

import { Application, HttpNotFound, text, tracing } from '@allium/core'
import type { LayerTrace, Next, Request, RequestTrace, TaskTrace } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

/** Subscribes to a channel until the test ends. */
function record<Message extends object>(
  t: Test,
  channel: TracingChannel<unknown, Message>,
  note: (event: string, message: Message) => void,
): void {
  const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
  const subscribers = Object.fromEntries(
    events.map(event => [event, (message: unknown) => note(event, message as Message)]),
  ) as unknown as TracingChannelSubscribers<Message>
  channel.subscribe(subscribers)
  t.teardown(() => channel.unsubscribe(subscribers))
}

t.test('tells of a request from its arrival until its answer has left', async t => {
  const events: unknown[] = []
  record<RequestTrace>(t, tracing.request, (event, { request, response }) => {
    events.push([event, request.method, request.route?.path, response?.status])
  })
  const app = new Application()
  app.get('/users/:id', async ({ params }) => text(params.id))
  const client = await testClient(t, app)

  await client.get('/users/1')

  t.same(events, [
    ['start', 'GET', undefined, undefined],
    ['end', 'GET', '/users/:id', undefined],
    ['asyncStart', 'GET', '/users/:id', 200],
    ['asyncEnd', 'GET', '/users/:id', 200],
  ])
})

t.test('tells what an error answer renders', async t => {
  const errors: unknown[] = []
  record<RequestTrace>(t, tracing.request, (event, { error }) => {
    if (event === 'error') errors.push(error)
  })
  const client = await testClient(t, new Application())

  await client.get('/nowhere')

  t.match(errors, [{ name: 'HttpNotFound' }])
})

t.test('has an AsyncLocalStorage follow the request', async t => {
  const storage = new AsyncLocalStorage<RequestTrace>()
  tracing.request.start.bindStore(storage, message => message)
  t.teardown(() => tracing.request.start.unbindStore(storage))
  const app = new Application()
  app.get('/', async request => {
    await Promise.resolve()
    return text(String(storage.getStore()?.request === request))
  })
  const client = await testClient(t, app)

  t.equal(await (await client.get('/')).text(), 'true')
})

t.test('tells of middlewares and handlers, to those who subscribed before startup', async t => {
  const events: unknown[] = []
  record<LayerTrace>(t, tracing.layer, (event, { kind, name, error }) => {
    if (event !== 'asyncStart') events.push([event, kind, name, (error as Error | undefined)?.name])
  })
  const app = new Application()
  app.use(function outer(request: Request, next: Next) {
    return next(request)
  })
  app.get('/', () => {
    throw new HttpNotFound()
  })
  const client = await testClient(t, app)

  await client.get('/')

  t.same(
    events.filter(event => (event as string[])[0] !== 'end'),
    [
      ['start', 'middleware', 'outer', undefined],
      ['start', 'handler', 'anonymous', undefined],
      ['error', 'handler', 'anonymous', 'HttpNotFound'],
      ['asyncEnd', 'handler', 'anonymous', 'HttpNotFound'],
      ['asyncEnd', 'middleware', 'outer', undefined],
    ],
  )
})

t.test('tells of tasks', async t => {
  const events: unknown[] = []
  record<TaskTrace>(t, tracing.task, (event, { name }) => events.push([event, name]))
  const app = new Application()
  app.get('/', async request => {
    await (
      await request.app.tasks.spawn('mail', () => {})
    ).ended
    return text('sent')
  })
  const client = await testClient(t, app)

  await client.get('/')

  t.same(events[0], ['start', 'mail'])
  t.same(events.at(-1), ['asyncEnd', 'mail'])
})
