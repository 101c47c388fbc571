import { Readable } from 'node:stream'

import {
  AppRunner,
  Application,
  createLogger,
  DeferredResponse,
  HttpGone,
  Response,
  StreamResponse,
  text,
} from '@allium/core'
import type { Request, StreamedBody } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

async function* letters(): AsyncGenerator<string> {
  yield 'a'
  yield 'b'
  yield 'c'
}

function silentApp(): { app: Application; lines: string[] } {
  const lines: string[] = []
  return { app: new Application({ logger: createLogger('warn', line => lines.push(line)) }), lines }
}

overEachTransport('a streamed response', (t, transport) => {
  const bodies: [string, () => ConstructorParameters<typeof Response>[0], string, RegExp][] = [
    ['an async iterable', () => letters(), 'abc', /octet-stream/],
    ['a Readable', () => Readable.from([Buffer.from('ab'), Buffer.from('c')]), 'abc', /octet-stream/],
    ['a ReadableStream', () => new Blob(['abc']).stream(), 'abc', /octet-stream/],
    ['a Blob', () => new Blob(['abc'], { type: 'text/css' }), 'abc', /^text\/css$/],
    [
      'URLSearchParams',
      () => new URLSearchParams({ a: 'b c' }),
      'a=b+c',
      /^application\/x-www-form-urlencoded/,
    ],
    ['FormData', () => form({ a: 'b' }), '', /^multipart\/form-data; boundary=/],
  ]
  for (const [name, make, expected, type] of bodies) {
    t.test(`carries ${name}`, async t => {
      const app = new Application()
      app.get('/', () => new Response(make()))
      const client = await testClient(t, app, { transport })

      const response = await client.get('/')

      t.match(response.headers.get('content-type'), type)
      t.ok((await response.text()).includes(expected))
      t.equal(
        response.headers.get('content-length'),
        name === 'a Blob' ? '3' : name === 'URLSearchParams' ? '5' : null,
      )
    })
  }

  t.test('leaves after the onion has unwound, so that middlewares still change its headers', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      response.headers.set('x-late', 'yes')
      return response
    })
    app.get('/', () => new Response(letters(), { headers: { 'content-type': 'text/plain' } }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('x-late'), 'yes')
    t.equal(response.headers.get('content-type'), 'text/plain')
    t.equal(await response.text(), 'abc')
  })

  t.test('keeps the connection for the next request', async t => {
    const app = new Application()
    app.get('/', () => new Response(letters()))
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send(
      'GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    )

    const received = await connection.receive()
    t.equal(received.split('HTTP/1.1 200').length, 3)
    t.equal(received.split('c\r\n0\r\n\r\n').length, 3)
  })

  t.test('has its first piece sent while the second one is not there yet', async t => {
    let goOn!: () => void
    const app = new Application()
    app.get('/', () => {
      return new Response(
        (async function* () {
          yield 'first'
          await new Promise<void>(resolve => (goOn = resolve))
          yield 'second'
        })(),
      )
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil('first')
    goOn()

    t.match(await connection.receiveUntil('0\r\n\r\n'), /second/)
  })

  t.test('sends its head before a source that takes its time', async t => {
    let goOn!: () => void
    const app = new Application()
    app.get('/', () => {
      return new Response(
        (async function* () {
          await new Promise<void>(resolve => (goOn = resolve))
          yield 'late'
        })(),
      )
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil('\r\n\r\n')
    goOn()

    t.match(await connection.receiveUntil('0\r\n\r\n'), /late/)
  })

  t.test('is cut, never ended cleanly, when its source fails after the headers (P30)', async t => {
    const { app, lines } = silentApp()
    app.get('/', () => {
      return new Response(
        (async function* () {
          yield 'half'
          await new Promise(resolve => setImmediate(resolve))
          throw new Error('disk gone')
        })(),
      )
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    const received = await connection.receive()

    t.match(received, /half/)
    t.notMatch(received, /0\r\n\r\n$/)
    t.match(lines.join(''), /disk gone/)
  })

  t.test('is a plain 500 when its source fails at once (P30)', async t => {
    const { app, lines } = silentApp()
    app.get('/', () => {
      const source = new Readable({ read() {} })
      source.destroy(new Error('no such file'))
      return new Response(source)
    })
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.status, 500)
    t.notMatch(await response.text(), /no such file/)
    t.match(lines.join(''), /no such file/)
  })

  t.test('is a plain 500 when somebody else reads its ReadableStream', async t => {
    const { app } = silentApp()
    app.get('/', () => {
      const stream = new Blob(['x']).stream()
      stream.getReader()
      return new Response(stream)
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/')).status, 500)
  })

  t.test('waits for a client that reads slowly: the source is not read ahead (P29)', async t => {
    let produced = 0
    const app = new Application()
    app.get('/', () => {
      return new Response(
        (async function* () {
          for (; produced < 64; produced++) yield Buffer.alloc(1024 * 1024)
        })(),
      )
    })
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')
    const iterator = response.body[Symbol.asyncIterator]()
    await iterator.next()
    await new Promise(resolve => setTimeout(resolve, 50))
    t.ok(produced < 32, `${produced} of 64 MiB were produced for a client that has read one piece`)

    while (!(await iterator.next()).done);
    t.equal(produced, 64)
  })

  const sources: [string, (onClosed: () => void) => StreamedBody][] = [
    [
      'a Readable',
      onClosed => new Readable({ read() {}, destroy: (error, done) => (onClosed(), done(error)) }),
    ],
    ['a ReadableStream', onClosed => new ReadableStream<Uint8Array>({ cancel: onClosed })],
    ['an iterator', onClosed => silentIterable(onClosed)],
  ]
  for (const [name, make] of sources) {
    t.test(`closes ${name} when the client goes (P29)`, async t => {
      const app = new Application()
      const closed = new Promise<void>(resolve => app.get('/', () => new Response(make(resolve))))
      const client = await testClient(t, app, { transport })
      const connection = client.connect()

      await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      await connection.receiveUntil('\r\n\r\n')
      connection.destroy()

      await t.resolves(closed)
    })

    t.test(
      `closes ${name} that a middleware replaces, or that HEAD, 204 or a failed hook leave unsent (P16)`,
      async t => {
        const { app } = silentApp()
        let closed = 0
        app.use(async (request, next) => {
          const response = await next(request)
          if (request.path === '/no-content') response.status = 204
          if (request.path === '/reset') response.body = 'instead'
          return request.path === '/replaced' ? text('instead') : response
        })
        app.get('/:case', request => {
          if (request.params.case === 'hook') {
            request.onPrepare(() => {
              throw new Error('hook')
            })
          }
          return new Response(make(() => closed++))
        })
        const client = await testClient(t, app, { transport })

        t.equal(await (await client.get('/replaced')).text(), 'instead')
        t.equal(await (await client.get('/reset')).text(), 'instead')
        t.equal((await client.head('/x')).status, 200)
        t.equal((await client.get('/no-content')).status, 204)
        t.equal((await client.get('/hook')).status, 500)
        t.equal(closed, 5)
      },
    )
  }

  t.test(
    'holds what its content-length says: fewer bytes, more bytes and no number are errors (P16)',
    async t => {
      const { app, lines } = silentApp()
      app.get('/:length', ({ params }) => {
        return new Response(letters(), { headers: { 'content-length': params.length } })
      })
      const client = await testClient(t, app, { transport })

      t.equal(await (await client.get('/3')).text(), 'abc')
      await t.rejects(client.get('/5').then(response => response.text()))
      await t.rejects(client.get('/2').then(response => response.text()))
      t.equal((await client.get('/many')).status, 500)
      t.match(lines.join(''), /fewer bytes than its content-length says: 3, not 5/)
      t.match(lines.join(''), /more bytes than its content-length says: 3, not 2/)
    },
  )

  t.test('ends with its trailers, which are known by then (RFC 9110 §6.5)', async t => {
    const app = new Application()
    app.get('/', () => {
      const response = new Response(letters())
      response.trailers.set('x-count', '3')
      return response
    })
    app.get('/whole', () => {
      const response = text('whole')
      response.trailers.append('x-sum', 'w')
      return response
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send(
      'GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /whole HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    )

    t.match(await connection.receive(), /c\r\n0\r\nx-count: 3\r\n\r\n[^]*whole\r\n0\r\nx-sum: w\r\n\r\n$/)
  })

  t.test('may carry the very body of its request', async t => {
    const app = new Application()
    app.post('/', request => new Response(request.raw))
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.post('/', { body: 'x'.repeat(300_000) })).text(), 'x'.repeat(300_000))
  })

  t.test('may have another body set by a middleware', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      const source = response.body as AsyncIterable<string>
      response.body = (async function* () {
        for await (const piece of source) yield piece.toUpperCase()
      })()
      return response
    })
    app.get('/', () => new Response(letters(), { headers: { 'content-length': '2' } }))
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'ABC')
  })

  t.test('may be carried on by a response that a middleware makes of it', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const { body, headers } = await next(request)
      if (request.path === '/same') return new Response(body, { headers })
      return new Response(
        (async function* () {
          for await (const piece of body as AsyncIterable<string>) yield piece.toUpperCase()
        })(),
      )
    })
    let closed = 0
    app.get('/:kind', () => {
      return new Response(
        (async function* () {
          try {
            yield* letters()
          } finally {
            closed++
          }
        })(),
      )
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/same')).text(), 'abc')
    t.equal(await (await client.get('/other')).text(), 'ABC')
    t.equal(closed, 2)
  })

  t.test('closes its source when the client leaves what a middleware has made of it (P29)', async t => {
    const app = new Application()
    app.use(async (request, next) => new Response((await next(request)).body))
    const closed = new Promise<void>(resolve => {
      app.get('/', () => new Response(silentIterable(resolve)))
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil('\r\n\r\n')
    connection.destroy()

    await t.resolves(closed)
  })

  t.test('is answered to HTTP/1.0 until the connection closes', async t => {
    const app = new Application()
    app.get('/', () => new Response(letters()))
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.0\r\n\r\n')

    t.match(await connection.receive(), /\r\n\r\nabc$/)
  })

  t.test('of a large text arrives whole', async t => {
    const app = new Application()
    app.get('/', () => text('é'.repeat(1_000_000)))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('content-length'), '2000000')
    t.equal((await response.text()).length, 1_000_000)
  })
})

overEachTransport('a StreamResponse', (t, transport) => {
  t.test('is written piece by piece, and ended by returning it', async t => {
    const app = new Application()
    app.get('/', async request => {
      const stream = new StreamResponse({ headers: { 'content-type': 'text/plain' } })
      t.notOk(stream.isPrepared)
      await stream.prepare(request)
      await stream.prepare(request)
      t.ok(stream.isPrepared)
      await stream.write('one ')
      await stream.write('')
      await stream.write(Buffer.from('two'))
      return stream
    })
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('content-type'), 'text/plain')
    t.equal(await response.text(), 'one two')
  })

  t.test('has the prepare hooks run before its headers leave', async t => {
    const app = new Application()
    app.onResponsePrepare.add((request, response) => response.headers.set('x-app', '1'))
    app.get('/', async request => {
      request.onPrepare((request, response) => response.headers.set('x-request', '2'))
      const stream = new StreamResponse()
      await stream.prepare(request)
      await stream.end()
      return stream
    })
    const client = await testClient(t, app, { transport })

    const { headers } = await client.get('/')

    t.same([headers.get('x-app'), headers.get('x-request')], ['1', '2'])
  })

  t.test('refuses a middleware that changes its headers too late, and arrives all the same', async t => {
    const { app, lines } = silentApp()
    app.use(async (request, next) => {
      const response = await next(request)
      response.headers.set('x-late', 'yes')
      return response
    })
    app.get('/', async request => {
      const stream = new StreamResponse()
      await stream.prepare(request)
      await stream.write('whole')
      return stream
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'whole')
    t.match(lines.join(''), /Cannot change header "x-late": the headers have left/)
  })

  t.test('is cut when the handler fails after preparing it (P30)', async t => {
    const { app } = silentApp()
    app.get('/', async request => {
      const stream = new StreamResponse()
      await stream.prepare(request)
      await stream.write('half')
      throw new Error('lost')
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')

    t.notMatch(await connection.receive(), /0\r\n\r\n$/)
  })

  t.test('is whole when it was ended and something else is returned', async t => {
    const { app } = silentApp()
    app.get('/', async request => {
      const stream = new StreamResponse()
      await stream.prepare(request)
      await stream.write('whole')
      await stream.end()
      return text('nobody gets this')
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'whole')
  })

  t.test('refuses to be used out of order', async t => {
    const app = new Application()
    app.get('/', async request => {
      const stream = new StreamResponse()
      await t.rejects(stream.write('x'), { code: 'ERR_RESPONSE_STATE' })
      await t.rejects(stream.end(), { code: 'ERR_RESPONSE_STATE' })
      await stream.prepare(request)
      await t.rejects(new StreamResponse().prepare(request), { code: 'ERR_RESPONSE_STATE' })
      await stream.end()
      await t.rejects(stream.write('x'), { code: 'ERR_RESPONSE_STATE' })
      return stream
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/')).status, 200)
  })

  t.test('cannot be prepared once the request has its answer, nor for a second request', async t => {
    const app = new Application()
    const stream = new StreamResponse()
    let late!: () => Promise<void>
    app.get('/late', request => {
      late = () => new StreamResponse().prepare(request)
      return text('answered')
    })
    app.get('/shared', async request => {
      await stream.prepare(request)
      return stream
    })
    const client = await testClient(t, app, { transport })
    await client.get('/late')

    await t.rejects(late(), { code: 'ERR_RESPONSE_STATE' })
    t.equal((await client.get('/shared')).status, 200)
  })

  t.test('answers with an error when a hook throws before its headers leave', async t => {
    const { app } = silentApp()
    app.get('/', async request => {
      request.onPrepare(() => {
        throw new HttpGone()
      })
      const stream = new StreamResponse()
      await stream.prepare(request)
      return stream
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/')).status, 410)
  })

  t.test('sends an empty body when it was never prepared', async t => {
    const app = new Application()
    app.get('/', () => new StreamResponse({ status: 201 }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.status, 201)
    t.equal(await response.text(), '')
  })

  t.test('discards what is written to HEAD, and aborts the AbortSignal so that loops end', async t => {
    const app = new Application()
    app.get('/', async request => {
      const stream = new StreamResponse({ headers: { 'content-length': '100' } })
      await stream.prepare(request)
      while (!request.signal.aborted) await stream.write('never')
      await stream.write('neither')
      return stream
    })
    const client = await testClient(t, app, { transport })

    const response = await client.head('/')

    t.equal(response.headers.get('content-length'), '100')
  })

  t.test('tells the writer that the client has gone', async t => {
    const app = new Application()
    const outcome = new Promise<unknown>(resolve => {
      app.get('/', async request => {
        const stream = new StreamResponse()
        await stream.prepare(request)
        try {
          for (;;) await stream.write('x'.repeat(100_000))
        } catch (error) {
          resolve([error, request.signal.reason, await stream.end().catch((error: unknown) => error)])
        }
        return stream
      })
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil('xxx')
    connection.destroy()

    t.match(await outcome, [
      { abortCause: 'client gone' },
      { abortCause: 'client gone' },
      { abortCause: 'client gone' },
    ])
  })

  t.test('holds its content-length', async t => {
    const { app, lines } = silentApp()
    app.get('/', async request => {
      const stream = new StreamResponse({ headers: { 'content-length': '5' } })
      await stream.prepare(request)
      await stream.write('abc')
      return stream
    })
    const client = await testClient(t, app, { transport })

    await t.rejects(client.get('/').then(response => response.text()))
    t.match(lines.join(''), /fewer bytes than its content-length says: 3, not 5/)
  })
})

overEachTransport('the connection', (t, transport) => {
  t.test(
    'is cut when its client reads nothing for the writeTimeout, whatever the kind of body (P3)',
    async t => {
      const app = new Application()
      app.get('/stream', () => new Response(endless()))
      app.get('/whole', () => text('x'.repeat(32 * 1024 * 1024)))
      const client = await testClient(t, app, { transport, runner: { writeTimeout: 300 } })

      for (const path of ['/stream', '/whole']) {
        const response = await client.get(path)
        await new Promise(resolve => setTimeout(resolve, 1500))
        await t.rejects(response.text(), path)
      }
    },
  )
})

overEachTransport('a request', (t, transport) => {
  t.test('keeps the server until what it waits for is done', async t => {
    const order: string[] = []
    const app = new Application()
    app.onCleanup.add(() => void order.push('cleanup'))
    app.get('/', request => {
      request.waitUntil(
        new Promise<void>(resolve => setTimeout(resolve, 100)).then(() => void order.push('work')),
      )
      return text('answered')
    })
    const client = await testClient(t, app, { transport })

    await client.get('/')
    await client.close()

    t.same(order, ['work', 'cleanup'])
  })

  t.test('has the failure of such work logged', async t => {
    const { app, lines } = silentApp()
    app.get('/', request => {
      request.waitUntil(Promise.reject(new Error('mail not sent')))
      return text('answered')
    })
    const client = await testClient(t, app, { transport })

    await client.get('/')
    await client.close()

    t.match(lines.join(''), /Work after a response failed.*mail not sent/s)
  })

  t.test('gets early hints ahead of its answer, and none with HTTP/1.0', async t => {
    const app = new Application()
    app.get('/', request => {
      request.sendEarlyHints({ link: '</a.css>; rel=preload' })
      t.throws(() => request.sendEarlyHints({ link: 'a\r\nset-cookie: x' }), TypeError)
      return text('page')
    })
    const client = await testClient(t, app, { transport })
    const modern = client.connect()
    const old = client.connect()

    await modern.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    await old.send('GET / HTTP/1.0\r\n\r\n')

    t.match(
      await modern.receive(),
      /^HTTP\/1.1 103 Early Hints\r\nlink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1.1 200/,
    )
    t.match(await old.receive(), /^HTTP\/1.1 200/)
  })

  t.test('may be aborted with a reason by whoever holds it', async t => {
    const app = new Application()
    const reason = new Error('signed out')
    app.get('/', request => {
      request.abort(reason)
      request.abort(new Error('again'))
      return text(request.signal.reason === reason ? 'same' : 'other')
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/')).text(), 'same')
  })
})

overEachTransport('a handler', (t, transport) => {
  t.test('may answer with a Fetch Response, which middlewares see as one of ours', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      t.ok(response instanceof Response)
      response.headers.set('x-seen', '1')
      return response
    })
    app.get('/', () => {
      const headers = new globalThis.Headers({ 'x-own': 'yes' })
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      return new globalThis.Response('fetched', { status: 201, statusText: 'Made', headers })
    })
    app.get('/async', async () => globalThis.Response.json({ a: 1 }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.same([response.status, await response.text()], [201, 'fetched'])
    t.same([response.headers.get('x-own'), response.headers.get('x-seen')], ['yes', '1'])
    t.same(response.headers.getSetCookie(), ['a=1', 'b=2'])
    t.same(await (await client.get('/async')).json(), { a: 1 })
  })

  t.test('cannot answer with a Fetch Response that is an error or was read', async t => {
    const { app, lines } = silentApp()
    app.get('/error', () => globalThis.Response.error())
    app.get('/read', async () => {
      const response = new globalThis.Response('x')
      await response.text()
      return response
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/error')).status, 500)
    t.equal((await client.get('/read')).status, 500)
    t.match(lines.join(''), /Response.error\(\): it has no status.*was read already/s)
  })

  t.test('may pass on what fetch() received, without the coding that fetch() has undone', async t => {
    const app = new Application()
    const origin = new Application()
    const { gzipSync } = await import('node:zlib')
    origin.get('/', () => new Response(gzipSync('unpacked'), { headers: { 'content-encoding': 'gzip' } }))
    await using upstream = new AppRunner(origin)
    await upstream.startup()
    const { url } = await upstream.listen({ host: '127.0.0.1', port: 0 })
    app.get('/', () => fetch(url))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('content-encoding'), null)
    t.equal(await response.text(), 'unpacked')
  })

  t.test('may answer with a response that depends on the request', async t => {
    class Echo extends DeferredResponse {
      settle(request: Request): Response {
        if (request.path === '/gone') throw new HttpGone()
        return text(request.path)
      }
    }
    const app = new Application()
    app.get('/*', () => new Echo())
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/a')).text(), '/a')
    t.equal((await client.get('/gone')).status, 410)
  })
})

t.test('a streamed response goes on while the server stops', async t => {
  let goOn!: () => void
  const app = new Application()
  app.get('/', () => {
    return new Response(
      (async function* () {
        yield 'first '
        await new Promise<void>(resolve => (goOn = resolve))
        yield 'second'
      })(),
    )
  })
  await using runner = new AppRunner(app)
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

  const response = await fetch(url)
  const stopped = runner.stop()
  goOn()

  t.equal(await response.text(), 'first second')
  await stopped
  t.notOk(runner.wasForced)
})

t.test('a body of another kind is refused where the response is made', async t => {
  for (const body of [1, {}, () => {}, true]) {
    t.throws(() => new Response(body as unknown as string), TypeError)
  }
})

t.test('a trailer may not be a field that has a meaning only before the body', async t => {
  const response = new Response('x')
  t.throws(() => response.trailers.set('Content-Length', '1'), TypeError)
  t.throws(() => response.trailers.append('set-cookie', 'a=b'), TypeError)
})

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(64 * 1024)
}

function silentIterable(onClosed: () => void): AsyncIterableIterator<string> {
  const iterator: AsyncIterableIterator<string> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => new Promise(() => {}),
    return: async () => {
      onClosed()
      return { done: true, value: undefined }
    },
  }
  return iterator
}

function form(fields: Record<string, string>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.append(name, value)
  return data
}
