import { Application, text } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

overEachTransport('pipelining', (t, transport) => {
  t.test('pipelined requests are answered one at a time and in order (P4)', async t => {
    let running = 0
    const app = new Application()
    app.get('/:n', async ({ params }) => {
      t.equal(++running, 1)
      await Promise.resolve()
      running--
      return text(`<${params.n}>`)
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send([1, 2, 3].map(n => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
    const received = await raw.receiveUntil('<3>')

    t.strictSame(received.match(/<\d>/g), ['<1>', '<2>', '<3>'])
  })

  t.test('more than sixteen waiting requests close the connection behind the last answer (P4)', async t => {
    const app = new Application()
    app.get('/', async () => {
      await new Promise(setImmediate)
      return text('<ok>')
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50))
    const received = await raw.receive()

    t.equal(received.match(/<ok>/g)?.length, 17)
    t.equal(received.match(/Connection: close/g)?.length, 1)
  })

  t.test('bytes that are not HTTP do not get into the answer before them (P4)', async t => {
    const app = new Application()
    app.get('/', async () => {
      await new Promise(setImmediate)
      return text('whole')
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n\u0001garbage\r\n\r\n')

    t.match(await raw.receive(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nwhole$/)
  })
})
