import { Readable } from 'node:stream'
import { mock } from 'node:test'

import { Application, AppRunner, createLogger, Response, text } from '@allium/core'
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

function form(fields: Record<string, string>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.append(name, value)
  return data
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

t.test('the head of a slow body is not held up by the fake timers of a test', async t => {
  const app = new Application()
  let finish = (): void => {}
  app.get('/', () => new Response(slow(), { headers: { 'content-type': 'text/plain' } }))
  async function* slow(): AsyncGenerator<string> {
    await new Promise<void>(resolve => (finish = resolve))
    yield 'at last'
  }
  const client = await testClient(t, app)
  mock.timers.enable({ apis: ['setImmediate'] })
  t.teardown(() => mock.timers.reset())

  const response = await client.get('/')
  finish()

  t.equal(await response.text(), 'at last')
})
