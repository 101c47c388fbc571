import { Application, createLogger, text } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

overEachTransport('a client that leaves', (t, transport) => {
  t.test('the AbortSignal of a request fires when its client leaves', async t => {
    const app = new Application()
    const reason = new Promise<unknown>(resolve => {
      app.get('/', async request => {
        await new Promise(left => request.signal.addEventListener('abort', left))
        resolve(request.signal.reason)
        return text('too late')
      })
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise(resolve => setTimeout(resolve, 20))
    raw.raw.destroy()

    t.match(await reason, { name: 'AbortError', abortCause: 'client gone' })
  })

  t.test(
    'a client that leaves within its body is an error for the reader, and no log line (P31)',
    async t => {
      const lines: string[] = []
      const app = new Application({ logger: createLogger('debug', line => lines.push(line)) })
      const read = new Promise<unknown>(resolve => {
        app.post('/', async request => {
          await request.bytes().catch((error: unknown) => resolve(error))
          return text(await request.text())
        })
      })
      const client = await testClient(t, app, { transport })
      const raw = client.connect()

      await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfew')
      await new Promise(resolve => setTimeout(resolve, 20))
      raw.raw.destroy()

      t.match(await read, { name: 'ClientGoneError', status: 499 })
      t.strictSame(lines, [])
    },
  )
})

t.test('a request whose client has left', async t => {
  t.test('makes an AbortSignal that has fired when the client is gone already', async t => {
    const app = new Application()
    const aborted = new Promise<boolean>(resolve => {
      app.post('/', async request => {
        await request.bytes().catch(() => new Promise(setImmediate))
        await request.text().catch(() => {})
        resolve(request.signal.aborted)
        return text('too late')
      })
    })
    const client = await testClient(t, app)
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')
    setTimeout(() => raw.destroy(), 20)

    t.equal(await aborted, true)
  })

  t.test('rejects a body that is read only after the client has left', async t => {
    const app = new Application()
    const read = new Promise<unknown>(resolve => {
      app.post('/', async request => {
        await new Promise(left => request.signal.addEventListener('abort', left))
        await new Promise(setImmediate)
        await request.bytes().catch(resolve)
        return text('too late')
      })
    })
    const client = await testClient(t, app, { transport: 'tcp' })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    setTimeout(() => raw.destroy(), 20)

    t.match(await read, { name: 'ClientGoneError' })
  })
})
