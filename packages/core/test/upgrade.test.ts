import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'

import {
  Application,
  AppRunner,
  createLogger,
  HttpUnauthorized,
  json,
  RequestAborted,
  Response,
  text,
  UpgradeResponse,
} from '@allium/core'
import type { AccessEntry, Request as AlliumRequest, UpgradedConnection } from '@allium/core'
import { memorySocketPair } from '@allium/core/memory-socket'
import type { MemorySocket } from '@allium/core/memory-socket'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})
const ASK = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'

function get(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${ASK}${more}\r\n`
}

/** Sends back what comes, until the client or the handler has enough. */
class Echo extends UpgradeResponse {
  failure: unknown = 'none'
  #connection: UpgradedConnection | undefined

  override async begin(request: AlliumRequest): Promise<void> {
    this.#connection = await request.upgrade(this)
    const { socket, head, headers } = this.#connection
    let fields = ''
    for (let i = 0; i < headers.length; i += 2) fields += `${headers[i]}: ${headers[i + 1]}\r\n`
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${ASK}${fields}\r\n`)
    socket.unshift(head)
    socket.on('data', piece => socket.write(piece)).on('end', () => socket.end())
    socket.resume()
    const left = request.signal.aborted || once(request.signal, 'abort')
    await left
  }

  override async conclude(failure: unknown): Promise<void> {
    this.failure = failure
    this.#connection?.socket.end()
  }
}

overEachTransport('upgrade', (t, transport) => {
  t.test('gives the socket, and no byte behind the handshake is lost (W1)', async t => {
    const app = new Application()
    app.get('/echo', () => new Echo())
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send(`${get('/echo')}sent ahead;`)
    t.match(await raw.receiveUntil('sent ahead;'), /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*sent ahead;$/)
    await raw.send('and after;')

    t.equal(await raw.receiveUntil('and after;'), 'and after;')
  })

  t.test('keeps what arrives while the handler decides, up to 64 KiB and beyond', async t => {
    const app = new Application()
    let decide = () => {}
    const decided = new Promise<void>(resolve => (decide = resolve))
    app.get('/echo', async () => {
      await decided
      return new Echo()
    })
    const raw = (await testClient(t, app, { transport })).connect()

    const sent = raw.send(`${get('/echo')}${'x'.repeat(300_000)}!`)
    await new Promise(resolve => setTimeout(resolve, 20))
    decide()

    t.match(await raw.receiveUntil('!'), /x{300000}!$/)
    await sent
  })

  t.test('middlewares, hooks and cookies reach the 101 (P44)', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      request.onPrepare((_request, response) => response.headers.set('x-hook', 'prepared'))
      const response = await next(request)
      response.headers.set('x-layer', String(response.status))
      response.cookies.set('seen', 'yes')
      return response
    })
    app.get('/echo', () => new Echo())
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send(get('/echo'))
    const head = await raw.receiveUntil('\r\n\r\n')

    t.match(head, /\r\nx-hook: prepared\r\n/)
    t.match(head, /\r\nx-layer: 101\r\n/)
    t.match(head, /\r\nset-cookie: seen=yes; /)
  })

  t.test('a refusal is an ordinary response, the last on its connection (P44)', async t => {
    const app = new Application()
    app.get('/private', () => {
      throw new HttpUnauthorized('No token', { headers: { 'www-authenticate': 'Bearer' } })
    })
    app.get('/plain', () => json({ plain: true }))
    app.post('/posted', () => text('never'))
    const client = await testClient(t, app, { transport })

    for (const [path, status] of [
      ['/private', 401],
      ['/missing', 404],
      ['/posted', 405],
      ['/plain', 200],
    ] as const) {
      const raw = client.connect()
      await raw.send(get(path))
      t.match(await raw.receive(), new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close\\r\\n`), path)
    }
  })

  t.test('a large refusal goes at the pace of the client', async t => {
    const app = new Application()
    app.get('/large', () => text('x'.repeat(4 * 1024 * 1024)))
    app.get('/stream', () => new Response(streamOf(40, 'y'.repeat(64 * 1024))))
    const client = await testClient(t, app, { transport })

    const raw = client.connect()
    await raw.send(get('/large'))
    t.equal((await raw.receive()).split('\r\n\r\n')[1]!.length, 4 * 1024 * 1024)
    const streamed = client.connect()
    await streamed.send(get('/stream'))
    t.match(await streamed.receive(), /\r\n0\r\n\r\n$/)
  })

  t.test('of what is pipelined behind another request it is an ordinary request (P4)', async t => {
    const app = new Application()
    app.get('/slow', async () => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return text('<slow>')
    })
    app.get('/echo', request => (request.isUpgradable ? new Echo() : text('<not now>')))
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${get('/echo')}`)

    t.match(await raw.receive(), /<slow>[^]*<not now>$/)
  })

  t.test('comes after an answer on the same connection', async t => {
    const app = new Application()
    app.get('/first', () => text('<first>'))
    app.get('/echo', () => new Echo())
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw.receiveUntil('<first>')
    await raw.send(`${get('/echo')}hello.`)

    t.match(await raw.receiveUntil('hello.'), /^HTTP\/1\.1 101 /)
  })

  t.test('is for GET without a body over HTTP/1.1 only', async t => {
    const app = new Application()
    app.any('/', request => text(String(request.isUpgradable)))
    const client = await testClient(t, app, { transport })
    const length = 'Content-Length: 2\r\n'

    for (const [head, is] of [
      [get('/'), true],
      [get('/').replace('websocket', 'h2c, WebSocket'), true],
      [get('/').replace('websocket', 'h2c'), false],
      [get('/').replace('1.1', '1.0'), false],
      [get('/').replace('GET', 'POST'), false],
      [`${get('/', length)}ab`, false],
    ] as const) {
      const raw = client.connect()
      await raw.send(head)
      t.ok((await raw.receive()).endsWith(`\r\n\r\n${is}`), head)
    }
  })

  t.test('the signal aborts when the client goes, and the request is over then', async t => {
    const app = new Application()
    const finished: string[] = []
    app.get('/echo', request => {
      request.onFinish(() => finished.push('finished'))
      return new Echo()
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(get('/echo'))
    await raw.receiveUntil('\r\n\r\n')
    raw.destroy()

    await new Promise(resolve => setTimeout(resolve, 30))
    t.same(finished, ['finished'])
  })

  t.test('survives clients that die at any moment of it (P44)', async t => {
    const app = new Application({ logger: silent })
    app.get('/echo', async () => {
      await new Promise(resolve => setTimeout(resolve, 5))
      return new Echo()
    })
    const client = await testClient(t, app, { transport })

    for (const wait of [0, 1, 5, 10]) {
      for (const leave of ['destroy', 'end'] as const) {
        const raw = client.connect()
        await raw.send(get('/echo'))
        await new Promise(resolve => setTimeout(resolve, wait))
        raw[leave]()
        await raw.closed
      }
    }
    t.equal((await client.get('/echo')).status, 500, 'an upgrade that nobody asked for')
  })

  t.test('a route that upgrades nobody is an ordinary one to those who do not ask', async t => {
    const app = new Application({ logger: silent })
    const codes: unknown[] = []
    app.get('/', async request => {
      await request.upgrade(new Echo()).catch((error: unknown) => codes.push(error))
      return text('no')
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'no')
    t.match(codes, [{ code: 'ERR_UPGRADE_STATE' }])
  })

  t.test('a hook that throws is answered in place of the 101', async t => {
    const app = new Application()
    app.onResponsePrepare.add(() => {
      throw new HttpUnauthorized()
    })
    app.get('/echo', () => new Echo())
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send(get('/echo'))

    t.match(await raw.receive(), /^HTTP\/1\.1 401 /)
  })

  t.test('nothing of HTTP is written when the handler throws after the 101 (W18)', async t => {
    const app = new Application({ logger: silent })
    const echo = new Echo()
    app.get('/echo', async request => {
      const { socket } = await request.upgrade(echo) // its response is concluded all the same
      socket.write('<taken>')
      throw new Error('Too late')
    })
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send(get('/echo'))

    t.equal(await raw.receive(), '<taken>')
    t.match(echo.failure, { message: 'Too late' })
  })

  t.test('a response that upgrades is used once, and its status is 101', async t => {
    const echo = new Echo()
    const app = new Application({ logger: silent })
    app.get('/echo', async request => {
      await request.upgrade(echo)
      return json({ again: await request.upgrade(echo).catch((error: unknown) => error) })
    })
    const raw = (await testClient(t, app, { transport })).connect()
    await raw.send(get('/echo'))
    await raw.receive()

    t.equal(echo.status, 101)
    t.throws(() => (echo.status = 200), RangeError)
  })
})

t.test('request.upgrade() and a server that stops', async t => {
  t.test('open connections are told, and may take until the deadline', async t => {
    const app = new Application()
    const runner = new AppRunner(app, { shutdownTimeout: 2000 })
    const causes: unknown[] = []
    app.get('/echo', request => {
      request.signal.addEventListener('abort', () => causes.push(request.signal.reason))
      return new Echo()
    })
    await runner.startup()
    const socket = open(runner)
    socket.write(get('/echo'))
    await once(socket, 'data')

    await runner.stop()

    t.ok(causes[0] instanceof RequestAborted && causes[0].abortCause === 'shutdown')
    t.equal(runner.wasForced, false)
  })

  t.test('what does not end is cut at the deadline', async t => {
    const app = new Application()
    const runner = new AppRunner(app, { shutdownTimeout: 50 })
    app.get('/', async request => {
      const { socket } = await request.upgrade(new Echo())
      socket.write('taken')
      await new Promise(() => {})
      return new Echo()
    })
    await runner.startup()
    const socket = open(runner)
    socket.write(get('/'))
    await once(socket, 'data')

    await runner.stop()

    t.equal(runner.wasForced, true)
    t.equal(socket.destroyed || socket.readableEnded || (await once(socket, 'close')).length === 0, true)
  })

  t.test('is refused with 503 from then on', async t => {
    const app = new Application()
    const runner = new AppRunner(app, {})
    app.get('/echo', async () => {
      await once(stopping, 'now')
      return new Echo()
    })
    const stopping = new EventEmitter()
    await runner.startup()
    const socket = open(runner)
    socket.write(get('/echo'))
    await new Promise(resolve => setTimeout(resolve, 20))

    const stopped = runner.stop()
    stopping.emit('now')

    t.match(String(await once(socket, 'data')), /^HTTP\/1\.1 503 /)
    await stopped
  })

  t.test('the access log has one line, when the connection is over, which is not aborted', async t => {
    const entries: AccessEntry[] = []
    const app = new Application()
    const runner = new AppRunner(app, { accessLog: entry => entries.push(entry) })
    app.get('/echo', () => new Echo())
    await runner.startup()
    const socket = open(runner)
    socket.write(get('/echo'))
    await once(socket, 'data')

    socket.destroy()
    await runner.stop()

    t.match(entries, [{ status: 101, route: '/echo', aborted: false }])
    t.equal(entries.length, 1)
    t.equal(runner.counts.aborted, 0)
  })
})

t.test('app.fetch() asks for no other protocol', async t => {
  const app = new Application()
  app.get('/', request => json({ upgradable: request.isUpgradable }))
  await app.startup()
  t.teardown(() => app.cleanup())
  const headers = { connection: 'upgrade', upgrade: 'websocket' }

  const response = await app.fetch(new Request('http://localhost/', { headers }))

  t.same(await response.json(), { upgradable: false })
})

t.test('app.upgradeListener()', async t => {
  t.test('serves the upgrades of a server that somebody else has made', async t => {
    const app = new Application()
    app.get('/echo', () => new Echo())
    app.get('/', () => text('<plain>'))
    await app.startup()
    const server = createServer(app.nodeListener())
      .on('upgrade', app.upgradeListener())
      .listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => app.cleanup())
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo

    const echo = connect(port, '127.0.0.1', () => echo.write(`${get('/echo')}hello`))
    t.match(String(await once(echo, 'data')), /^HTTP\/1\.1 101 /)
    echo.destroy()
    const plain = connect(port, '127.0.0.1', () => plain.write(get('/').replace('websocket', 'h2c')))
    t.match(String(await once(plain, 'data')), /^HTTP\/1\.1 200 [^]*Connection: close/)
    plain.destroy()
    const posted = connect(port, '127.0.0.1', () => posted.write(`${get('/', 'Content-Length: 1\r\n')}x`))
    t.match(String(await once(posted, 'data')), /^HTTP\/1\.1 400 /)
    posted.destroy()
  })
})

function open(runner: AppRunner): MemorySocket {
  const pair = memorySocketPair()
  runner.accept(pair.server)
  return pair.client
}

async function* streamOf(pieces: number, piece: string): AsyncGenerator<string> {
  for (let i = 0; i < pieces; i++) yield piece
}
