import { Application, createLogger, HttpUnauthorized, json, Response, text } from '@allium/core'
import { testClient } from '@allium/testing'

import { askFor, Echo } from './echo-upgrade.ts'
import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

async function* streamOf(pieces: number, piece: string): AsyncGenerator<string> {
  for (let i = 0; i < pieces; i++) yield piece
}

overEachTransport('upgrade', (t, transport) => {
  t.test('gives the socket, and no byte behind the handshake is lost (W1)', async t => {
    const app = new Application()
    app.get('/echo', () => new Echo())
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send(`${askFor('/echo')}sent ahead;`)
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

    const sent = raw.send(`${askFor('/echo')}${'x'.repeat(300_000)}!`)
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

    await raw.send(askFor('/echo'))
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
      await raw.send(askFor(path))
      t.match(await raw.receive(), new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close\\r\\n`), path)
    }
  })

  t.test('a large refusal goes at the pace of the client', async t => {
    const app = new Application()
    app.get('/large', () => text('x'.repeat(4 * 1024 * 1024)))
    app.get('/stream', () => new Response(streamOf(40, 'y'.repeat(64 * 1024))))
    const client = await testClient(t, app, { transport })

    const raw = client.connect()
    await raw.send(askFor('/large'))
    t.equal((await raw.receive()).split('\r\n\r\n')[1]!.length, 4 * 1024 * 1024)
    const streamed = client.connect()
    await streamed.send(askFor('/stream'))
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

    await raw.send(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${askFor('/echo')}`)

    t.match(await raw.receive(), /<slow>[^]*<not now>$/)
  })

  t.test('comes after an answer on the same connection', async t => {
    const app = new Application()
    app.get('/first', () => text('<first>'))
    app.get('/echo', () => new Echo())
    const raw = (await testClient(t, app, { transport })).connect()

    await raw.send('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw.receiveUntil('<first>')
    await raw.send(`${askFor('/echo')}hello.`)

    t.match(await raw.receiveUntil('hello.'), /^HTTP\/1\.1 101 /)
  })

  t.test('is for GET without a body over HTTP/1.1 only', async t => {
    const app = new Application()
    app.any('/', request => text(String(request.isUpgradable)))
    const client = await testClient(t, app, { transport })
    const length = 'Content-Length: 2\r\n'

    for (const [head, is] of [
      [askFor('/'), true],
      [askFor('/').replace('websocket', 'h2c, WebSocket'), true],
      [askFor('/').replace('websocket', 'h2c'), false],
      [askFor('/').replace('1.1', '1.0'), false],
      [askFor('/').replace('GET', 'POST'), false],
      [`${askFor('/', length)}ab`, false],
    ] as const) {
      const raw = client.connect()
      await raw.send(head)
      t.ok((await raw.receive()).endsWith(`\r\n\r\n${is}`), head)
    }
  })

  t.test('the signal aborts when the client goes, and the request is over then', async t => {
    const app = new Application()
    const finished = new Promise<boolean>(resolve => {
      app.get('/echo', request => {
        const { signal } = request
        request.onFinish(() => resolve(signal.aborted))
        return new Echo()
      })
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(askFor('/echo'))
    await raw.receiveUntil('\r\n\r\n')
    raw.destroy()

    t.equal(await finished, true)
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
        await raw.send(askFor('/echo'))
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

    await raw.send(askFor('/echo'))

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

    await raw.send(askFor('/echo'))

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
    await raw.send(askFor('/echo'))
    await raw.receive()

    t.equal(echo.status, 101)
    t.throws(() => (echo.status = 200), RangeError)
  })
})
