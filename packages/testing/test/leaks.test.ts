import { once } from 'node:events'
import { watch } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'

import { Application, createLogger, Response, text, UpgradeResponse } from '@allium/core'
import type { Request } from '@allium/core'
import { TestClient } from '@allium/testing'
import type { AllowedLeaks, LeakError, TestClientOptions } from '@allium/testing'

const forever = new Promise<never>(() => {})
const silent = createLogger('error', () => {})

/** What is left after requests for these paths, by kind, with all that is said of it. */
async function leftBy(app: Application, paths: readonly string[], options?: TestClientOptions) {
  const client = await TestClient.start(app, options)
  for (const path of paths) await client.get(path).text()
  const error = await client.close().then(
    () => undefined,
    (error: unknown) => error as LeakError,
  )
  return { kinds: error?.leaks.map(({ kind }) => kind) ?? [], message: error?.message ?? '' }
}

async function startElsewhere(t: Test): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => sockets.add(socket.resume())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

t.test('an application that leaves nothing behind passes', async t => {
  const app = new Application()
  app.cleanupContexts.add(async function* () {
    const timer = setInterval(() => {}, 60_000)
    yield
    clearInterval(timer)
  })
  app.get('/', async ({ app }) => {
    AbortSignal.timeout(60_000) // nobody could clear it
    await app.clock.delay(1)
    return text('hello')
  })

  t.same(await leftBy(app, ['/', '/']), { kinds: [], message: '' })
})

t.test(
  'timers are found, whether the process waits for them or not, with the line that set them',
  async t => {
    const app = new Application()
    app.onStartup.add(function startSweeping() {
      t.teardown(setAndForget(setInterval(() => {}, 60_000)))
    })
    app.get('/', function remind() {
      t.teardown(setAndForget(setTimeout(() => {}, 60_000).unref()))
      return text('hello')
    })
    const { kinds, message } = await leftBy(app, ['/'])

    t.same(kinds, ['timers', 'timers'])
    t.match(
      message,
      /^Of the application that was closed 2 things are left\n {2}timers: a timer\n {6}at startSweeping \(.+leaks/,
    )
    t.match(message, /\n {2}timers: a timer\n {6}at remind \(.+leaks/)
    t.match(message, /\nWhat is meant to stay is allowed by client\.allowLeaks\(\{ timers: 'why' \}\)$/)
  },
)

t.test('timers of the application’s clock are found, virtual or not', async t => {
  for (const clock of [undefined, 'virtual'] as const) {
    const app = new Application()
    app.get('/', function remind({ app }) {
      const timer = app.clock.setTimer(() => {}, 60_000)
      t.teardown(() => timer.clear())
      return text('hello')
    })
    const { kinds, message } = await leftBy(app, ['/'], { clock })

    t.same(kinds, ['timers'])
    t.match(message, /at remind \(.+leaks/)
  }
})

t.test('sockets, files and watchers are found', async t => {
  const port = await startElsewhere(t)
  const app = new Application()
  app.get('/socket', async function call() {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    return text('')
  })
  app.get('/file', async function read() {
    const file: FileHandle = await open(new URL(import.meta.url))
    t.teardown(() => file.close())
    return text('')
  })
  app.get('/watch', function follow() {
    const watcher = watch('.')
    t.teardown(() => watcher.close())
    return text('')
  })
  const { kinds, message } = await leftBy(app, ['/socket', '/file', '/watch'])

  t.same(kinds.sort(), ['handles', 'handles', 'sockets'])
  for (const place of [
    /a TCP socket\n +at call /,
    /an open file\n +at (?:async )?read /,
    /watcher\n +at follow /,
  ]) {
    t.match(message, place)
  }
})

t.test(
  'a server that listens on a host is found where it was told to, though its address is looked up first',
  async t => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const app = new Application()
      app.onStartup.add(async function openDoor() {
        const server = createServer().listen(0, host)
        t.teardown(() => server.close())
        await once(server, 'listening')
      })
      const { kinds, message } = await leftBy(app, [])

      t.same(kinds, ['handles'])
      t.match(message, /a TCP server\n +at (?:async )?openDoor /)
    }
  },
)

t.test('thousands of timers that were cleared are none', async t => {
  const app = new Application()
  app.get('/', () => {
    for (let n = 0; n < 2000; n++) clearTimeout(setTimeout(() => {}, 60_000))
    return text('')
  })

  t.same((await leftBy(app, ['/', '/'])).kinds, [])
})

t.test('of a server that was left open its connections are not told as well', async t => {
  const app = new Application()
  app.get('/', async function listen() {
    const server = createServer(socket => socket.resume()).listen(0)
    t.teardown(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
    return text('')
  })
  const { kinds, message } = await leftBy(app, ['/'])

  t.same(kinds, ['handles'])
  t.match(message, /a TCP server\n +at listen /)
})

t.test('sockets that are closing need not be closed', async t => {
  const port = await startElsewhere(t)
  const app = new Application()
  const sockets: Socket[] = []
  app.onCleanup.add(() => sockets.forEach(socket => socket.end()))
  app.get('/', async () => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'connect')
    return text('')
  })

  t.same((await leftBy(app, ['/'])).kinds, [])
})

t.test('a handler that does not end is found, with the line of the test that called it', async t => {
  const app = new Application({ logger: silent })
  app.get('/orders/:id', async function order() {
    return forever
  })
  const client = await TestClient.start(app)
  void client.get('/orders/7')
  await client.settle()
  const start = performance.now()

  await t.rejects(client.close(), {
    name: 'LeakError',
    message:
      /handlers: GET \/orders\/7 goes on\n +route GET \/orders\/:id\n +handler "order" has not .+\n +at .+leaks/,
  })
  t.ok(performance.now() - start < 3000, 'before the time to stop is up')
})

t.test('a handler that goes on although it was answered is found', async t => {
  const app = new Application({ logger: silent })
  app.use(async function hurried(request, next) {
    void next(request)
    return text('early')
  })
  app.get('/', async function slow() {
    return forever
  })
  const { kinds, message } = await leftBy(app, ['/'])

  t.same(kinds, ['handlers'])
  t.match(message, /middleware 1 "hurried" answered after .+\n +handler "slow" has not answered/)
})

t.test('a hook that does not end is found', async t => {
  const app = new Application({ logger: silent })
  app.get('/', request => {
    request.onPrepare(() => forever)
    return text('never sent')
  })
  const client = await TestClient.start(app)
  void client.get('/')
  await client.settle()

  await t.rejects(client.close(), {
    message:
      /handlers: GET \/ goes on\n.+\n +handler "anonymous" answered .+\n +every layer has answered, but/,
  })
})

t.test('what a test has been told of is not told again', async t => {
  const app = new Application({ logger: silent })
  app.get('/', () => forever)
  const client = await TestClient.start(app)
  await t.rejects(client.get('/'))

  await t.resolves(client.close())
})

t.test('a stream whose source does not let go is found', async t => {
  const app = new Application({ logger: silent })
  async function* ticks() {
    yield 'tick'
    await forever
  }
  app.get('/', () => new Response(ticks()))
  const client = await TestClient.start(app)
  await client.get('/')

  await t.rejects(client.close(), {
    message: /streams: GET \/ goes on\n.+\n.+\n +the source of its body has not let go/,
  })
})

t.test('a WebSocket that is not over is found', async t => {
  class Stubborn extends UpgradeResponse {
    async begin(request: Request) {
      const { socket } = await request.upgrade(this)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
      await forever
    }
    async conclude() {}
  }
  const app = new Application({ logger: silent })
  app.get('/chat', () => new Stubborn())
  const client = await TestClient.start(app)
  await client.get('/chat', { headers: { connection: 'upgrade', upgrade: 'websocket' } })

  await t.rejects(client.close(), { message: /websockets: GET \/chat goes on\n +route GET \/chat\n/ })
})

t.test('tasks and clean-ups that do not end are found, with the lines that added them', async t => {
  const app = new Application({ logger: silent })
  app.cleanupContexts.add(async function* database() {
    yield
    await forever
  })
  app.get('/', async function report({ app }) {
    await app.tasks.spawn('report', () => forever)
    return text('')
  })
  const { kinds, message } = await leftBy(app, ['/'])

  t.same(kinds, ['tasks', 'cleanups', 'cleanups'])
  t.match(message, /tasks: task "report" does not end\n +at (?:async )?report \(.+leaks/)
  t.match(message, /cleanups: clean-up "database" does not end\n +at .+leaks/)
  t.match(message, /cleanups: clean-up "onCleanup" has not run for that/)
})

t.test('an uploaded file that waits on the disk is found', async t => {
  const app = new Application({ logger: silent })
  app.post('/', async function receive(request) {
    await request.form()
    request.waitUntil(forever)
    return text('')
  })
  const client = await TestClient.start(app)
  await client.post('/', { multipart: { file: new File(['x'.repeat(100_000)], 'a.txt') } }).text()

  await t.rejects(client.close(), {
    message: /files: the uploaded file .+allium-\w+ was still there\n +at async receive/,
  })
})

t.test('a leak is allowed by its kind, for a reason', async t => {
  const app = new Application()
  app.get('/', () => {
    t.teardown(setAndForget(setTimeout(() => {}, 60_000)))
    return text('')
  })
  const client = await TestClient.start(app)
  await client.fork().get('/').text()
  client.allowLeaks({ timers: 'the sender of metrics lives as long as the process' })

  await t.resolves(client.close())
  t.throws(() => client.allowLeaks({ timers: ' ' }), /^Cannot allow leaks of "timers" without a reason$/)
  t.throws(
    () => client.allowLeaks(JSON.parse('{ "mice": "why not" }') as AllowedLeaks),
    /there are handlers, /,
  )
})

t.test('what the test itself makes is its own affair', async t => {
  const app = new Application()
  app.get('/', () => text(''))
  const client = await TestClient.start(app)
  t.teardown(setAndForget(setInterval(() => {}, 60_000)))
  await client.get('/').text()
  t.teardown(setAndForget(setTimeout(() => {}, 60_000)))

  await t.resolves(client.close())
})

function setAndForget(timer: NodeJS.Timeout): () => void {
  return () => clearTimeout(timer)
}
