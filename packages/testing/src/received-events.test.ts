import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

import { Application, eventStream, text } from '@allium/core'
import t from 'tap'

import { testClient } from './client-for-runner.ts'

function streaming(send: () => AsyncGenerator<object>): Application {
  const app = new Application()
  app.get('/ticks', () => eventStream(send))
  return app
}

t.test('TestClient.events', async t => {
  t.test('gives the events as they come', async t => {
    const app = streaming(async function* () {
      yield { data: 'one', id: '1' }
      yield { data: 'two\nlines', event: 'tick', comment: 'half way', retry: 250 }
    })
    const events = await (await testClient(t, app)).events('/ticks')
    const seen = []
    for await (const event of events) seen.push(event)

    t.same(seen, [
      { event: 'message', data: 'one', id: '1' },
      { event: 'tick', data: 'two\nlines', id: '1' },
    ])
    t.match(events.comments, ['half way'])
    t.equal(events.retry, 250)
  })

  t.test('gives one at a time, before the stream ends', async t => {
    let left: unknown
    const app = new Application()
    app.get('/ticks', request => {
      request.signal.onabort = () => (left = request.signal.reason)
      return eventStream(async function* () {
        yield { data: 'now' }
        await once(request.signal, 'abort')
      })
    })
    const events = await (await testClient(t, app)).events('/ticks')

    t.match(await events.next(), { done: false, value: { data: 'now' } })
    t.same(await events.return(), { done: true, value: undefined })
    while (left === undefined) await delay(1)
    t.match(left, { abortCause: 'client gone' })
  })

  t.test('are left with their scope', async t => {
    let signal: AbortSignal | undefined
    const app = new Application()
    app.get('/ticks', request => {
      signal = request.signal
      return eventStream(async function* () {
        yield { data: 'now' }
        await once(request.signal, 'abort')
      })
    })
    const client = await testClient(t, app)
    {
      await using events = await client.events('/ticks')
      await events.next()
    }
    while (!signal!.aborted) await delay(1)

    t.ok(signal!.aborted)
  })

  t.test('fails when no event comes in time', async t => {
    const app = new Application()
    app.get('/ticks', request =>
      eventStream(async function* () {
        await once(request.signal, 'abort')
        yield { data: 'too late' }
      }),
    )
    const events = await (await testClient(t, app, { timeout: 100 })).events('/ticks')

    await t.rejects(events.next(), {
      name: 'TimeoutError',
      message: 'No event of GET http://localhost/ticks came within 100 ms',
    })
  })

  t.test('refuses what is no event stream', async t => {
    const app = new Application()
    app.get('/', () => text('hello'))
    const client = await testClient(t, app)

    await t.rejects(client.events('/'), {
      message: 'Cannot read events of GET http://localhost/: it is 200, text/plain; charset=utf-8',
    })
    await t.rejects(client.events('/nowhere'), { message: /it is 404/ })
  })
})
