import { Application, text } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

overEachTransport('an unread body', (t, transport) => {
  t.test('100 Continue comes only when the body is read (P6)', async t => {
    const app = new Application()
    app.post('/read', async request => text(await request.text()))
    app.post('/ignore', () => text('no, thanks'))
    const client = await testClient(t, app, { transport })
    const head = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`
    const reading = client.connect()
    const ignoring = client.connect()

    await reading.send(head('/read'))
    t.match(await reading.receiveUntil('\r\n\r\n'), /^HTTP\/1\.1 100 /)
    await reading.send('ok')
    t.match(await reading.receiveUntil('ok'), /^HTTP\/1\.1 200 /)
    await ignoring.send(head('/ignore'))

    t.match(await ignoring.receiveUntil('no, thanks'), /^HTTP\/1\.1 200 [^]*Connection: close/)
  })

  t.test('a client that writes everything before it reads still gets the early answer (P5)', async t => {
    const app = new Application()
    app.post('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500000\r\n\r\n')
    raw.send(Buffer.alloc(200_000)).catch(() => {})

    t.match(await raw.receiveUntil('limit of'), /^HTTP\/1\.1 413 [^]*Connection: close/)
  })

  t.test('a small body that nobody read does not cost the connection', async t => {
    const app = new Application()
    app.post('/', () => text('<ignored>'))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n')
    await raw.receiveUntil('<ignored>')
    await raw.send('bodyPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')

    t.match(await raw.receiveUntil('<ignored>'), /^HTTP\/1\.1 200 /)
  })
})

t.test('Application', async t => {
  t.test('stops discarding an unread body at its bound, and cuts the connection (P5)', async t => {
    const app = new Application()
    app.post('/', () => text('<early>'))
    const client = await testClient(t, app, { transport: 'tcp' })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n')
    t.match(await raw.receiveUntil('<early>'), /^HTTP\/1\.1 200 /)
    raw.send(Buffer.alloc(0x80000)).catch(() => {})

    t.match(await raw.closed, /ended|reset/)
  })
})
