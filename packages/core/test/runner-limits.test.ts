import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import { connect } from 'node:net'

import { Application, AppRunner, createLogger, text } from '@allium/core'
import type { AppRunnerOptions } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

function GET(path = '/', field = 'Host: a'): string {
  return `GET ${path} HTTP/1.1\r\n${field}\r\n\r\n`
}

/** An application that answers `<served>`, and `/slow` once it is told to. */
function createApp() {
  const app = new Application({ logger: silent })
  let release!: () => void
  const released = new Promise<void>(resolve => (release = resolve))
  app.get('/', () => text('<served>'))
  app.post('/', () => text('<ignored>'))
  app.get('/slow', async () => {
    await released
    return text('<slow>')
  })
  return { app, release }
}

overEachTransport('the limits of a runner', (t, transport) => {
  t.test('a head that does not come whole, or not at all, is 408 (P3)', async t => {
    const client = await testClient(t, createApp().app, { transport, runner: { headersTimeout: 100 } })
    const [half, nothing] = [client.connect(), client.connect()]

    await half.send('GET / HTTP/1.1\r\nHo')

    t.match(await half.receive(), /^HTTP\/1\.1 408 Request Timeout\r\n/)
    t.match(await nothing.receive(), /^HTTP\/1\.1 408 Request Timeout\r\n/)
  })

  t.test('a body that does not come is 408 for its reader (P3)', async t => {
    const { app } = createApp()
    app.put('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport, runner: { requestTimeout: 100 } })
    const raw = client.connect()

    await raw.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha')

    t.match(await raw.receive(), /^HTTP\/1\.1 408 [^]*Connection: close/)
  })

  t.test('maxConnections closes what comes on top, and serves again once there is room', async t => {
    const { app } = createApp()
    const client = await testClient(t, app, { transport, runner: { maxConnections: 2 } })
    const open = [client.connect(), client.connect()]
    for (const raw of open) {
      await raw.send(GET())
      await raw.receiveUntil('<served>')
    }

    const refused = client.connect()
    await refused.closed
    open[0]!.end()
    await open[0]!.closed
    const raw = client.connect()
    await raw.send(GET())

    t.match(await raw.receiveUntil('<served>'), /^HTTP\/1\.1 200 /)
  })

  t.test('maxConnections costs one line, however many connections come', async t => {
    const lines: string[] = []
    const app = new Application({ logger: createLogger('info', line => lines.push(line)) })
    const client = await testClient(t, app, { transport, runner: { maxConnections: 1 } })
    const held = client.connect()
    await held.send(GET('/nowhere'))
    await held.receiveUntil('404')

    await Promise.all(Array.from({ length: 20 }, () => client.connect().closed))

    t.equal(lines.length, 1)
    t.match(lines[0], /WARN Connections are refused: as many are open as are allowed maxConnections=1\n$/)
  })

  t.test('maxRequestsPerSocket makes that answer the last one of its connection', async t => {
    const client = await testClient(t, createApp().app, { transport, runner: { maxRequestsPerSocket: 3 } })
    const [pipelined, sequential] = [client.connect(), client.connect()]

    await pipelined.send(GET().repeat(5))
    const received = await pipelined.receive()
    for (let i = 0; i < 3; i++) {
      await sequential.send(GET())
      await sequential.receiveUntil('<served>')
    }

    t.equal(received.match(/<served>/g)?.length, 3)
    t.match(received, /(?:keep-alive[^]*){2}Connection: close\r\n[^]*<served>$/)
    t.equal(await sequential.closed, 'ended')
  })

  t.test('maxPipelined is how many may wait; the one on top closes the connection unserved (P4)', async t => {
    const { app, release } = createApp()
    const client = await testClient(t, app, { transport, runner: { maxPipelined: 2 } })
    const raw = client.connect()

    await raw.send(GET('/slow') + GET().repeat(3))
    release()
    const received = await raw.receive()

    t.equal(received.match(/<slow>|<served>/g)?.join(''), '<slow><served><served>')
    t.equal(received.match(/Connection: close/g)?.length, 1)
  })

  t.test(
    'maxPipelined 0 serves a request that waits for the answer before, and none that does not',
    async t => {
      const { app, release } = createApp()
      const client = await testClient(t, app, { transport, runner: { maxPipelined: 0 } })
      const [waiting, pipelined] = [client.connect(), client.connect()]

      await waiting.send(GET())
      await waiting.receiveUntil('<served>')
      await waiting.send(GET())
      await pipelined.send(GET('/slow') + GET())
      release()

      t.match(await waiting.receiveUntil('<served>'), /^HTTP\/1\.1 200 /)
      t.match(await pipelined.receive(), /Connection: close[^]*<slow>$/)
    },
  )

  t.test('drainLimit decides whether a connection outlives a body that nobody reads (P5)', async t => {
    const client = await testClient(t, createApp().app, { transport, runner: { drainLimit: 10 } })
    const [small, large] = [client.connect(), client.connect()]
    const head = (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`

    await small.send(`${head(10)}12345`)
    await small.receiveUntil('<ignored>')
    await small.send(`67890${GET()}`)
    await large.send(`${head(11)}12345`)

    t.match(await small.receiveUntil('<served>'), /^HTTP\/1\.1 200 /)
    t.match(await large.receiveUntil('<ignored>'), /Connection: close/)
    await large.closed
  })

  t.test('drainTimeout is how long the rest of such a body is waited for (P5)', async t => {
    const client = await testClient(t, createApp().app, { transport, runner: { drainTimeout: 50 } })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')
    t.match(await raw.receiveUntil('<ignored>'), /Connection: keep-alive/)

    t.equal(await raw.receive(), '')
  })

  t.test(
    'allowedHosts answers 421 for others, through the middlewares, whatever case and port (P35)',
    async t => {
      const statuses: number[] = []
      const { app } = createApp()
      app.use(async (request, next) => {
        const response = await next(request)
        statuses.push(response.status)
        return response
      })
      const allowedHosts = ['Example.com', '*.example.org', '[::1]']
      const client = await testClient(t, app, { transport, runner: { allowedHosts } })
      const statusOf = async (head: string) => {
        const raw = client.connect()
        await raw.send(head)
        return Number((await raw.receiveUntil('\r\n\r\n')).slice(9, 12))
      }

      for (const host of ['example.com', 'EXAMPLE.COM:8080', 'example.com.', 'a.b.example.org', '[::1]:80']) {
        t.equal(await statusOf(GET('/', `Host: ${host}`)), 200, host)
      }
      for (const host of ['evil.com', 'example.org', 'xexample.com', 'example.com.evil.com', '[::2]']) {
        t.equal(await statusOf(GET('/', `Host: ${host}`)), 421, host)
      }
      t.equal(
        await statusOf(GET('http://evil.com/', 'Host: example.com')),
        421,
        'the target outranks the field',
      )
      t.equal(await statusOf('GET / HTTP/1.0\r\n\r\n'), 421, 'no host at all')
      t.strictSame([...new Set(statuses)], [200, 421])
    },
  )

  t.test('the versions 0.9, 2.0 and unheard-of ones are 505 and close (P7)', async t => {
    const { app } = createApp()
    const client = await testClient(t, app, { transport })
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

    for (const bytes of [
      'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
      'GET /\r\n\r\n',
      'GET / HTTP/1.2\r\n\r\n',
      preface,
    ]) {
      const raw = client.connect()
      await raw.send(bytes)
      t.match(await raw.receive(), /^HTTP\/1\.1 505 [^]*connection: close/i, JSON.stringify(bytes))
    }
  })

  t.test('a CONNECT is 501 and closes, whatever else it brings (P7)', async t => {
    const client = await testClient(t, createApp().app, { transport })

    for (const target of ['a:80', 'a', '/', '*']) {
      const raw = client.connect()
      await raw.send(`CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n${GET()}`)
      t.match(
        await raw.receive(),
        /^HTTP\/1\.1 (501 Not Implemented|400 Bad Request)\r\n[^]*connection: close\r\n/,
        target,
      )
    }
  })
})

t.test('AppRunner', t => {
  t.test('counts what goes on at its connections (P54)', async t => {
    const { app, release } = createApp()
    const runner = new AppRunner(app, { maxConnections: 3 })
    await runner.startup()
    const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
    const send = async (bytes: string) => {
      const socket = connect(port, '127.0.0.1')
      socket.end(bytes)
      socket.resume()
      await once(socket, 'close')
    }

    await send('GET / HTTP/1.0\r\n\r\n')
    await send('garbage\r\n\r\n')
    await send('CONNECT a:80 HTTP/1.1\r\n\r\n')
    await send('GET / HTTP/1.1\r\n\r\n')
    await send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    const idle = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'))
    await Promise.race(idle.map(socket => once(socket, 'close')))
    t.strictSame(runner.counts, { openConnections: 3, requests: 3, refused: 3, aborted: 1, dropped: 1 })

    release()
    for (const socket of idle) socket.destroy()
    await runner.stop()
    t.equal(runner.counts.openConnections, 0)
  })

  t.test('leaves no timer behind, whichever way it was reached (P53)', async t => {
    const intervals: { _repeat?: number | null; _destroyed?: boolean }[] = []
    const hook = createHook({
      init: (_id, type, _trigger, resource) => {
        if (type === 'Timeout') intervals.push(resource)
      },
    }).enable()
    t.teardown(() => hook.disable())

    const client = await testClient({ after: () => {} }, createApp().app, { transport: 'memory' })
    await (await client.get('/')).text()
    await client.close()

    const repeated = intervals.filter(({ _repeat }) => typeof _repeat === 'number')
    t.ok(repeated.length > 0)
    t.ok(repeated.every(({ _destroyed }) => _destroyed === true))
  })

  t.test('refuses numbers that would switch a limit off unnoticed, or mean nothing', async t => {
    const make = (options: AppRunnerOptions) => () => new AppRunner(new Application(), options)
    const environment = process.env['NOT_SET'] as unknown as number

    t.throws(make({ headersTimeout: 0 }), {
      name: 'RangeError',
      message:
        'Cannot make a runner: headersTimeout is 0, not a whole number from 1 to 2147483647, or Infinity for no limit',
    })
    t.throws(make({ requestTimeout: Number(environment) }), RangeError)
    t.throws(make({ keepAliveTimeout: 2 ** 31 }), RangeError)
    t.throws(make({ maxHeaderSize: 0.5 }), RangeError)
    t.throws(make({ maxHeadersCount: Infinity }), RangeError)
    t.throws(make({ maxConnections: -1 }), RangeError)
    t.throws(make({ maxPipelined: '16' as unknown as number }), RangeError)
    t.throws(make({ shutdownTimeout: Infinity }), RangeError)
    t.throws(make({ headersTimeout: 2, requestTimeout: 1 }), {
      message: 'Cannot make a runner: headersTimeout 2 is over requestTimeout 1',
    })
    t.throws(make({ allowedHosts: [] }), TypeError)
    t.throws(make({ allowedHosts: ['https://a'] }), TypeError)
  })

  t.test('takes Infinity, and options that are undefined', async t => {
    const limits = {
      keepAliveTimeout: Infinity,
      headersTimeout: Infinity,
      requestTimeout: Infinity,
      drainLimit: undefined,
    }
    const client = await testClient(t, createApp().app, { runner: limits })

    t.equal(await (await client.get('/')).text(), '<served>')
  })

  t.test('counts trailers like headers, and cuts the connection when they are too many (P2)', async t => {
    const app = new Application()
    app.post('/', async request => {
      await request.bytes()
      return text('never')
    })
    const client = await testClient(t, app, { runner: { maxHeadersCount: 3 } })
    const raw = client.connect()

    await raw.send(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'x: y\r\n'.repeat(4)}\r\n`,
    )

    t.notMatch(await raw.receive().catch(() => ''), /never/)
  })

  t.test(
    'answers 408 to a head or a body that does not arrive in time (P3)',
    { timeout: 30_000 },
    async t => {
      const app = new Application()
      app.post('/', async request => text(await request.text()))
      const client = await testClient(t, app, {
        transport: 'tcp',
        timeout: 20_000,
        runner: { headersTimeout: 500, requestTimeout: 800 },
      })
      const [head, body] = [client.connect(), client.connect()]

      await head.send('GET / HTTP/1.1\r\nHost:')
      await body.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfew')

      t.match(await Promise.all([head.receive(), body.receive()]), [/^HTTP\/1\.1 408 /, /^HTTP\/1\.1 408 /])
    },
  )

  t.end()
})
