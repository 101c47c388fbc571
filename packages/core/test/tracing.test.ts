import { AsyncLocalStorage } from 'node:async_hooks'
import type { TracingChannel, TracingChannelSubscribers } from 'node:diagnostics_channel'

import { Application, HttpNotFound, Response, text, tracing, UpgradeResponse } from '@allium/core'
import type {
  LayerTrace,
  Next,
  Request,
  RequestTrace,
  RouteTrace,
  TaskTrace,
  WebSocketTrace,
} from '@allium/core'
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

t.test('tells of routes that match, by their pattern, mount prefixes included', async t => {
  const events: unknown[] = []
  record<RouteTrace>(t, tracing.route, (event, { request, route, result }) => {
    const status = result instanceof Response ? result.status : undefined
    if (event.startsWith('async') || event === 'start') events.push([event, request.path, route.path, status])
  })
  const app = new Application()
  const admin = new Application()
  admin.get('/users/:id', () => {
    throw new HttpNotFound()
  })
  app.mount('/admin', admin)
  const client = await testClient(t, app)

  await client.get('/admin/users/7')
  await client.get('/nowhere')

  t.same(events, [
    ['start', '/admin/users/7', '/admin/users/:id', undefined],
    ['asyncStart', '/admin/users/7', '/admin/users/:id', 404],
    ['asyncEnd', '/admin/users/7', '/admin/users/:id', 404],
  ])
})

t.test(
  'tells of connections that were taken over until they are closed, and of what went wrong there',
  async t => {
    const events: unknown[] = []
    record<WebSocketTrace>(t, tracing.webSocket, (event, { request, response, error }) => {
      events.push([
        event,
        request.route?.path,
        response instanceof Brief,
        (error as Error | undefined)?.message,
      ])
    })
    const app = new Application()
    app.get('/well', () => new Brief())
    app.get('/ill', () => new Brief(new Error('lost')))
    const client = await testClient(t, app)

    for (const path of ['/well', '/ill']) {
      const raw = client.connect()
      await raw.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
      await raw.closed
    }

    t.same(events, [
      ['start', '/well', true, undefined],
      ['end', '/well', true, undefined],
      ['asyncStart', '/well', true, undefined],
      ['asyncEnd', '/well', true, undefined],
      ['start', '/ill', true, undefined],
      ['end', '/ill', true, undefined],
      ['error', '/ill', true, 'lost'],
      ['asyncStart', '/ill', true, 'lost'],
      ['asyncEnd', '/ill', true, 'lost'],
    ])
  },
)

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

/** Takes a connection over and lets go of it, with or without a failure. */
class Brief extends UpgradeResponse {
  readonly #failure: Error | undefined

  constructor(failure?: Error) {
    super()
    this.#failure = failure
  }

  override async begin(request: Request): Promise<void> {
    const { socket } = await request.upgrade(this)
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    if (this.#failure) throw this.#failure
  }

  override async conclude(): Promise<void> {}
}
