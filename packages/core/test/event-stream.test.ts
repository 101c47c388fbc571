import { Application, AppRunner, createLogger, empty, eventStream, lastEventId, text } from '@allium/core'
import type { EventStreamContext, ServerSentEvent } from '@allium/core'
import { testClient } from '@allium/testing'
import { EventSource } from 'eventsource'
import t from 'tap'

import { overEachTransport } from './transports.ts'

/** Numbers from after the last one the client has, three at a time. */
async function* numbers({ lastEventId }: EventStreamContext): AsyncGenerator<ServerSentEvent> {
  const first = Number(lastEventId ?? 0) + 1
  for (let n = first; n < first + 3; n++) yield { id: String(n), data: { n } }
}

function never(): Promise<never> {
  return new Promise(() => {})
}

overEachTransport('an event stream', (t, transport) => {
  t.test('sends what its source yields, under headers that keep it flowing', async t => {
    const app = new Application()
    app.get('/', () => eventStream(numbers))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    t.equal(response.headers.get('cache-control'), 'no-cache, no-transform')
    t.equal(response.headers.get('x-accel-buffering'), 'no')
    t.equal(await response.text(), 'id: 1\ndata: {"n":1}\n\nid: 2\ndata: {"n":2}\n\nid: 3\ndata: {"n":3}\n\n')
  })

  t.test('goes on behind the event that the client had last', async t => {
    const app = new Application()
    app.get('/', () => eventStream(numbers))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/', { headers: { 'last-event-id': '41' } })

    t.match(await response.text(), /^id: 42\n/)
  })

  t.test('sends each event when it happens, and the headers before the first', async t => {
    let happen!: (event: string) => void
    const app = new Application()
    app.get('/', () => {
      return eventStream(async function* () {
        for (;;) yield await new Promise<string>(resolve => (happen = resolve))
      })
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil('\r\n\r\n')
    happen('one')
    await connection.receiveUntil('data: one\n\n')
    happen('two')

    t.match(await connection.receiveUntil('data: two\n\n'), /two/)
  })

  t.test('sends a comment when nothing has happened for a while', async t => {
    const app = new Application()
    app.get('/', () => eventStream({ [Symbol.asyncIterator]: () => ({ next: never }) }, { ping: 10 }))
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil(': ping\n\n')

    t.match(await connection.receiveUntil(': ping\n\n'), /: ping/)
  })

  t.test('closes its source when the client goes: `finally` runs, the AbortSignal fires (P29)', async t => {
    const app = new Application()
    const closed = new Promise<unknown>(resolve => {
      app.get('/', ({ app }) => {
        return eventStream(async function* ({ signal }) {
          try {
            yield 'first'
            await app.clock.delay(60_000, { signal })
          } finally {
            resolve(signal.reason)
          }
        })
      })
    })
    const client = await testClient(t, app, { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil('data: first\n\n')
    connection.destroy()

    t.match(await closed, { abortCause: 'client gone' })
  })

  t.test('is cut when its source fails, or yields what is no event', async t => {
    const lines: string[] = []
    const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
    app.get('/fails', () => {
      return eventStream(async function* () {
        yield 'first'
        await new Promise(resolve => setImmediate(resolve))
        throw new Error('queue gone')
      })
    })
    app.get('/forges', () => {
      return eventStream(async function* () {
        yield 'first'
        await new Promise(resolve => setImmediate(resolve))
        yield { id: 'a\ndata: b' }
      })
    })
    const client = await testClient(t, app, { transport })

    for (const path of ['/fails', '/forges']) {
      await t.rejects(client.get(path).then(response => response.text()))
    }
    t.match(lines.join(''), /queue gone[^]*Cannot send an event: its id holds a line break/)
  })

  t.test('is not begun for HEAD, and its source is closed', async t => {
    let began = 0
    let closed = 0
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: String(began++) }),
        return: async () => ({ done: true, value: closed++ }) as const,
      }),
    }
    const app = new Application()
    app.get('/', () => eventStream(source))
    const client = await testClient(t, app, { transport })

    const response = await client.head('/')

    t.match(response.headers.get('content-type'), /event-stream/)
    t.same([began, closed], [0, 1])
  })

  t.test('may name its own headers, and the time until clients reconnect', async t => {
    const app = new Application()
    app.get('/', () => eventStream(numbers, { retry: 500, headers: { 'cache-control': 'no-store' } }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('cache-control'), 'no-store')
    t.match(await response.text(), /^retry: 500\n\nid: 1\n/)
  })

  t.test('takes the last event id as UTF-8, and none that is too long', async t => {
    const app = new Application()
    app.get('/', request => text(lastEventId(request) ?? 'none'))
    const client = await testClient(t, app, { transport })
    const idOf = async (id: string) => {
      const headers = { 'last-event-id': Buffer.from(id).toString('latin1') }
      return (await client.get('/', { headers })).text()
    }

    t.equal(await idOf('é-7'), 'é-7')
    t.equal(await idOf('x'.repeat(1025)), 'none')
    t.equal(await (await client.get('/')).text(), 'none')
  })
})

t.test('an event stream ends cleanly when the server stops, also one that waits', async t => {
  const app = new Application()
  let isClosed = false
  app.get('/', () => {
    return eventStream(async function* ({ signal }) {
      try {
        yield 'first'
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stop'))),
        )
      } finally {
        isClosed = true
      }
    })
  })
  const runner = new AppRunner(app)
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

  const response = await fetch(url)
  await runner.stop()

  t.equal(await response.text(), 'data: first\n\n')
  t.ok(isClosed)
  t.notOk(runner.wasForced)
})

t.test('an event stream is resumed by the eventsource package, until it is told to stop', async t => {
  const app = new Application()
  app.get('/', request => {
    return lastEventId(request) === '6' ? empty() : eventStream(numbers, { retry: 1 })
  })
  await using runner = new AppRunner(app)
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })
  const received: string[] = []
  const source = new EventSource(url)
  source.onmessage = ({ data, lastEventId }) => received.push(`${lastEventId} ${data}`)

  await new Promise<void>(resolve => {
    source.onerror = () => source.readyState === source.CLOSED && resolve()
  })

  t.equal(received[0], '1 {"n":1}')
  t.same(received[5], '6 {"n":6}')
  t.equal(received.length, 6)
})

t.test('an event stream needs times that make sense', async t => {
  for (const ping of [0, -1, NaN]) t.throws(() => eventStream(numbers, { ping }), RangeError)
  t.throws(() => eventStream(numbers, { retry: 0.5 }), RangeError)
})
