import { Readable } from 'node:stream'

import { Application, createLogger, Response, text } from '@allium/core'
import type { StreamedBody } from '@allium/core'
import { testClient } from '@allium/testing'

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

overEachTransport('a streamed response', (t, transport) => {
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
