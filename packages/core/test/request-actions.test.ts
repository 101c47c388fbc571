import { Application, createLogger, text } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

function silentApp(): { app: Application; lines: string[] } {
  const lines: string[] = []
  return { app: new Application({ logger: createLogger('warn', line => lines.push(line)) }), lines }
}

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
