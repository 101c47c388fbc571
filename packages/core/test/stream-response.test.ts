import { Application, createLogger, HttpGone, StreamResponse, text } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

function silentApp(): { app: Application; lines: string[] } {
  const lines: string[] = []
  return { app: new Application({ logger: createLogger('warn', line => lines.push(line)) }), lines }
}

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
