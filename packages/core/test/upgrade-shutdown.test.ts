import { EventEmitter, once } from 'node:events'

import { Application, AppRunner, RequestAborted } from '@allium/core'
import type { AccessEntry } from '@allium/core'
import { memorySocketPair } from '@allium/core/memory-socket'
import type { MemorySocket } from '@allium/core/memory-socket'
import t from 'tap'

import { askFor, Echo } from './echo-upgrade.ts'

function open(runner: AppRunner): MemorySocket {
  const pair = memorySocketPair()
  runner.accept(pair.server)
  return pair.client
}

t.test('request.upgrade() and a server that stops', async t => {
  t.test('open connections are told, and may take until the deadline', async t => {
    const app = new Application()
    const runner = new AppRunner(app, { shutdownTimeout: 2000 })
    const causes: unknown[] = []
    app.get('/echo', request => {
      request.signal.addEventListener('abort', () => causes.push(request.signal.reason))
      return new Echo()
    })
    await runner.startup()
    const socket = open(runner)
    socket.write(askFor('/echo'))
    await once(socket, 'data')

    await runner.stop()

    t.ok(causes[0] instanceof RequestAborted && causes[0].abortCause === 'shutdown')
    t.equal(runner.wasForced, false)
  })

  t.test('what does not end is cut at the deadline', async t => {
    const app = new Application()
    const runner = new AppRunner(app, { shutdownTimeout: 50 })
    app.get('/', async request => {
      const { socket } = await request.upgrade(new Echo())
      socket.write('taken')
      await new Promise(() => {})
      return new Echo()
    })
    await runner.startup()
    const socket = open(runner)
    socket.write(askFor('/'))
    await once(socket, 'data')

    await runner.stop()

    t.equal(runner.wasForced, true)
    t.equal(socket.destroyed || socket.readableEnded || (await once(socket, 'close')).length === 0, true)
  })

  t.test('is refused with 503 from then on', async t => {
    const app = new Application()
    const runner = new AppRunner(app, {})
    app.get('/echo', async () => {
      await once(stopping, 'now')
      return new Echo()
    })
    const stopping = new EventEmitter()
    await runner.startup()
    const socket = open(runner)
    socket.write(askFor('/echo'))
    await new Promise(resolve => setTimeout(resolve, 20))

    const stopped = runner.stop()
    stopping.emit('now')

    t.match(String(await once(socket, 'data')), /^HTTP\/1\.1 503 /)
    await stopped
  })

  t.test('the access log has one line, when the connection is over, which is not aborted', async t => {
    const entries: AccessEntry[] = []
    const app = new Application()
    const runner = new AppRunner(app, { accessLog: entry => entries.push(entry) })
    app.get('/echo', () => new Echo())
    await runner.startup()
    const socket = open(runner)
    socket.write(askFor('/echo'))
    await once(socket, 'data')

    socket.destroy()
    await runner.stop()

    t.match(entries, [{ status: 101, route: '/echo', aborted: false }])
    t.equal(entries.length, 1)
    t.equal(runner.counts.aborted, 0)
  })
})
