import { once } from 'node:events'
import type { Socket } from 'node:net'

import { Application, createLogger, Response, text } from '@allium/core'
import type { Request } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})
function GET(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
}

function POST(head: string, body = ''): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n${body}`
}

/** An application with a path that waits until it is told to go on. */
function createApp() {
  const app = new Application({ logger: silent })
  const served: string[] = []
  let release!: () => void
  const released = new Promise<void>(resolve => (release = resolve))
  app.use((request, next) => {
    served.push(request.path)
    return next(request)
  })
  app.get('/slow', async () => {
    await released
    return text('<slow>')
  })
  app.get('/fast', () => text('<fast>'))
  app.get('/large', () => new Response(Buffer.alloc(8 * 1024 * 1024, 'x')))
  app.post('/', async request => text(`<${await request.text()}>`))
  app.post('/ignore', () => text('<ignored>'))
  return { app, served, release }
}

overEachTransport('a connection', (t, transport) => {
  t.test('is refused its broken framing, and runs no handler again (P1)', async t => {
    const broken = {
      'two lengths': POST('Content-Length: 1\r\nContent-Length: 2', 'x'),
      'a list of lengths': POST('Content-Length: 1, 2', 'x'),
      'a signed length': POST('Content-Length: +1', 'x'),
      'a length in hex': POST('Content-Length: 0x1', 'x'),
      'an unknown coding': POST('Transfer-Encoding: xchunked', '0\r\n\r\n'),
      'chunked twice over': POST('Transfer-Encoding: chunked, identity', '0\r\n\r\n'),
      'a bare line feed': `GET / HTTP/1.1\nHost: a\n\n`,
      'a folded field': `GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\n 2\r\n\r\n`,
      'a space before the colon': POST('Content-Length : 1', 'x'),
      'NUL in a field': `GET / HTTP/1.1\r\nHost: a\r\nx: a\0b\r\n\r\n`,
      'a field without a name': `GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n`,
      'no version': 'GET /\r\n\r\n',
    }
    const client = await testClient(t, createApp().app, { transport })

    for (const [name, bytes] of Object.entries(broken)) {
      const raw = client.connect()
      await raw.send(bytes)
      t.match(await raw.receive(), /^HTTP\/1\.1 [45]\d\d [^]*connection: close/i, name)
    }
  })

  t.test('refuses a chunk of broken size, or without its line end, with 400 (P1)', async t => {
    const client = await testClient(t, createApp().app, { transport })

    for (const chunk of ['-1\r\n', '0x1\r\nx\r\n', '1 1\r\n', '1\r\nxy\r\n', 'ffffffffffffffffff\r\n']) {
      const raw = client.connect()
      await raw.send(POST('Transfer-Encoding: chunked', chunk))
      t.match(await raw.receive(), /^HTTP\/1\.1 400 /, JSON.stringify(chunk))
    }
  })

  t.test('goes on being served after another was refused', async t => {
    const client = await testClient(t, createApp().app, { transport })
    const good = client.connect()
    const bad = client.connect()

    await bad.send('\x16\x03\x01\r\n\r\n')
    t.match(await bad.receive(), /^HTTP\/1\.1 400 /)
    await good.send(GET('/fast'))

    t.match(await good.receiveUntil('<fast>'), /^HTTP\/1\.1 200 /)
  })

  t.test('gets every answer to what came before bytes that are not HTTP (P4)', async t => {
    const client = await testClient(t, createApp().app, { transport })
    const raw = client.connect()

    raw.raw.pause()
    await raw.send(GET('/large') + GET('/fast'))
    await new Promise(resolve => setTimeout(resolve, 20))
    await raw.send('garbage\r\n\r\n')
    raw.raw.resume()
    const received = await raw.receive()

    t.match(received.replace(/x+/, ''), /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 200 [^]*<fast>/)
  })

  t.test('does not make answers in advance for a client that does not read (P4)', async t => {
    const { app, served } = createApp()
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    raw.raw.pause()
    await raw.send(GET('/large').repeat(10))
    await new Promise(resolve => setTimeout(resolve, 50))

    t.ok(served.length <= 2, `${served.length} handlers ran`)
  })

  t.test('gets the answer before a CONNECT, then is closed (P4, P7)', async t => {
    const { app, release } = createApp()
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(`${GET('/slow')}CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n`)
    await new Promise(resolve => setTimeout(resolve, 20))
    release()

    t.match(await raw.receive(), /^HTTP\/1\.1 200 OK[^]*<slow>$/)
  })

  t.test('runs no handler behind an answer that closes it (P5)', async t => {
    const { app, served } = createApp()
    const client = await testClient(t, app, { transport })
    const raw = client.connect()
    const body = Buffer.alloc(300_000, 'x').toString()

    await raw.send('POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n')
    t.match(await raw.receiveUntil('<ignored>'), /Connection: close/)
    raw.send(body + GET('/fast')).catch(() => {})
    await raw.closed

    t.strictSame(served, ['/ignore'])
  })

  t.test('runs no handler behind an answer that a handler made the last', async t => {
    const { app, served } = createApp()
    app.get('/last', () => text('<last>', { headers: { connection: 'close' } }))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(GET('/last') + GET('/fast'))

    t.match(await raw.receive(), /<last>$/)
    t.strictSame(served, ['/last'])
  })

  t.test('never takes a body for a request (P5)', async t => {
    const { app, served } = createApp()
    const client = await testClient(t, app, { transport })
    const raw = client.connect()
    const body = GET('/fast').repeat(3)

    await raw.send(`POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await raw.receiveUntil('<ignored>')
    await raw.send(GET('/slow-not-there'))
    await raw.receiveUntil('404')

    t.strictSame(served, ['/ignore', '/slow-not-there'])
  })

  t.test('ends after an answer to HTTP/1.0, and after Connection: close', async t => {
    const client = await testClient(t, createApp().app, { transport })
    const older = client.connect()
    const closing = client.connect()

    await older.send('GET /fast HTTP/1.0\r\n\r\n')
    await closing.send('GET /fast HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')

    t.match(await older.receive(), /<fast>$/)
    t.match(await closing.receive(), /Connection: close[^]*<fast>$/)
  })

  t.test('answers a body in chunks with extensions and trailers, which never become fields (P2)', async t => {
    const app = new Application()
    app.post('/', async request => text(`<${await request.text()} ${request.headers.get('x-late')}>`))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(POST('Transfer-Encoding: chunked', '2;a=b\r\nhi\r\n0\r\nx-late: 1\r\n\r\n'))

    t.match(await raw.receiveUntil('>'), /<hi null>/)
  })

  t.test('is cut when it sends more trailers than fields are allowed (P2)', async t => {
    const { app } = createApp()
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(POST('Transfer-Encoding: chunked', `0\r\n${'x: y\r\n'.repeat(201)}\r\n`))

    t.equal(await raw.closed.then(() => 'closed'), 'closed')
  })

  t.test('fires the AbortSignal of nobody once the answer is out', async t => {
    const app = new Application()
    let request: Request | undefined
    app.get('/', current => {
      request = current
      return text('<ok>')
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(GET('/'))
    await raw.receiveUntil('<ok>')
    raw.destroy()
    await once(request!.raw.socket, 'close')

    t.equal(request!.signal.aborted, false)
  })

  t.test('survives every way of being cut (P31, P53)', async t => {
    const { app } = createApp()
    const client = await testClient(t, app, { transport })
    const starts = [
      '',
      'GET / HT',
      GET('/slow-not-there'),
      POST('Content-Length: 9', 'abc'),
      POST('Content-Length: 9\r\nExpect: 100-continue'),
      'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      GET('/large'),
    ]

    for (const start of starts) {
      const raw = client.connect()
      raw.raw.pause()
      await raw.send(start)
      ;(raw.raw as Partial<Socket>).resetAndDestroy?.()
      raw.destroy()
      await raw.closed
    }

    t.equal((await client.get('/fast')).status, 200)
  })
})
