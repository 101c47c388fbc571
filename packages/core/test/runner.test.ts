import { once } from 'node:events'
import { connect } from 'node:net'

import { Application, AppRunner, Clock, createLogger, text } from '@allium/core'
import type { Timer } from '@allium/core'
import t from 'tap'

const silent = createLogger('error', () => {})
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Runs the application on a port of its own; `open` connects to it. */
async function run(app: Application, options?: ConstructorParameters<typeof AppRunner>[1]) {
  const runner = new AppRunner(app, options)
  await runner.startup()
  const { port, url } = await runner.listen({ host: '127.0.0.1', port: 0 })
  const open = async (bytes = '') => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', chunk => (received += String(chunk)))
    const ended = once(socket, 'close').then(() => received)
    await once(socket, 'connect')
    socket.write(bytes)
    return { socket, ended, received: () => received }
  }
  return { runner, url, open }
}

/** A handler that begins, and answers when it is told to. */
function slowHandler() {
  let begin!: () => void
  let release!: () => void
  const begun = new Promise<void>(resolve => (begin = resolve))
  const released = new Promise<void>(resolve => (release = resolve))
  const handler = async () => {
    begin()
    await released
    return text('<slow>')
  }
  return { handler, begun, release }
}

async function duration(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

t.test('AppRunner.stop', t => {
  t.test('is not held up by a connection that idles', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const { runner, open } = await run(app)
    const fresh = await open()
    const used = await open(GET)
    await once(used.socket, 'data')

    const took = await duration(() => runner.stop())

    t.ok(took < 1000, `${took} ms`)
    t.match(await used.ended, /<ok>$/)
    t.equal(await fresh.ended, '')
    t.equal(runner.wasForced, false)
  })

  t.test('is not held up by half a head', async t => {
    const { runner, open } = await run(new Application())
    const half = await open('GET / HTTP/1.1\r\nHo')
    await new Promise(resolve => setTimeout(resolve, 20))

    t.ok((await duration(() => runner.stop())) < 1000)
    await half.ended
    t.equal(runner.wasForced, false)
  })

  t.test('answers every request that was pipelined before it, the last with close (P49)', async t => {
    const app = new Application()
    const { handler, begun, release } = slowHandler()
    app.get('/', handler)
    const { runner, open } = await run(app)
    const { ended } = await open(GET.repeat(3))
    await begun

    const stopped = runner.stop()
    release()
    await stopped
    const received = await ended

    t.equal(received.match(/<slow>/g)?.length, 3)
    t.equal(received.match(/Connection: close/g)?.length, 1)
  })

  t.test('answers a request that was on its way in an idle connection (P49)', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const { runner, open } = await run(app)
    const { socket, ended } = await open()

    const stopped = runner.stop()
    socket.write(GET)
    await stopped

    t.match(await ended, /Connection: close[^]*<ok>$/)
  })

  t.test('lets a body arrive that is on its way', async t => {
    const app = new Application()
    app.post('/', async request => text(`<${await request.text()}>`))
    const { runner, open } = await run(app)
    const { socket, ended } = await open('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha')
    await new Promise(resolve => setTimeout(resolve, 20))

    const stopped = runner.stop()
    setTimeout(() => socket.write('lf'), 300)
    await stopped

    t.match(await ended, /<half>$/)
  })

  t.test('lets a client read a large answer to its end', async t => {
    const app = new Application()
    app.get('/', () => text('x'.repeat(8 * 1024 * 1024)))
    const { runner, open } = await run(app)
    const { socket, ended } = await open()
    socket.pause()
    socket.write(GET)
    await new Promise(resolve => setTimeout(resolve, 50))

    const stopped = runner.stop()
    setTimeout(() => socket.resume(), 400)
    await stopped

    t.equal((await ended).match(/x+$/)?.[0].length, 8 * 1024 * 1024)
    t.equal(runner.wasForced, false)
  })

  t.test('fires the AbortSignals of what is running and of what is pipelined behind it', async t => {
    const app = new Application()
    const reasons: unknown[] = []
    const begun = new Promise<void>(resolve => {
      app.get('/', async ({ signal }) => {
        resolve()
        if (!signal.aborted) await once(signal, 'abort')
        reasons.push(signal.reason)
        return text('<ok>')
      })
    })
    const { runner, open } = await run(app)
    const { ended } = await open(GET.repeat(2))
    await begun

    await runner.stop()

    t.match(reasons, [{ abortCause: 'shutdown' }, { abortCause: 'shutdown' }])
    t.equal((await ended).match(/<ok>/g)?.length, 2)
  })

  t.test('answers everybody whom the system has accepted by then (P49)', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const { runner, url } = await run(app)
    const sockets = Array.from({ length: 100 }, () => connect(Number(new URL(url).port), '127.0.0.1'))
    const answers = sockets.map(async socket => {
      socket.setEncoding('latin1').write(GET)
      let received = ''
      for await (const chunk of socket) received += String(chunk)
      return received
    })
    await new Promise<void>(resolve => process.nextTick(resolve)) // now the system knows of them, and nobody else

    await runner.stop()

    for (const answer of await Promise.all(answers)) t.match(answer, /Connection: close[^]*<ok>$/)
    t.equal(runner.wasForced, false)
  })

  t.test('refuses new connections once it has those', async t => {
    const app = new Application()
    const { handler, begun, release } = slowHandler()
    app.get('/', handler)
    const { runner, url, open } = await run(app)
    await open(GET)
    await begun

    const stopped = runner.stop()
    await new Promise(resolve => setTimeout(resolve, 50))
    await t.rejects(fetch(url))
    release()
    await stopped
  })

  t.test('takes the time of shutdownTimeout and a second more, whatever hangs (P49)', async t => {
    const app = new Application()
    app.get('/', () => new Promise(() => {}))
    app.onShutdown.add(() => new Promise(() => {}))
    app.onCleanup.add(() => new Promise(() => {}))
    const { runner, open } = await run(app, { shutdownTimeout: 200 })
    const { ended } = await open(GET)
    await new Promise(resolve => setTimeout(resolve, 20))

    const took = await duration(() => runner.stop())

    t.ok(took < 1300, `${took} ms`)
    t.equal(runner.wasForced, true)
    t.equal(await ended, '')
  })

  t.test('cleans up although a handler had to be cut', async t => {
    const app = new Application()
    let cleaned = false
    app.get('/', () => new Promise(() => {}))
    app.onCleanup.add(() => void (cleaned = true))
    const { runner, open } = await run(app, { shutdownTimeout: 100 })
    const { ended } = await open(GET)
    await new Promise(resolve => setTimeout(resolve, 20))

    await runner.stop()

    t.equal(cleaned, true)
    t.equal(await ended, '')
  })

  t.test('gives the same promise when it is called again', async t => {
    const { runner } = await run(new Application())

    t.equal(runner.stop(), runner.stop())
    await runner.stop()
    await t.rejects(runner.listen({ port: 0 }), { code: 'ERR_RUNNER_STATE', message: /stopping/ })
  })

  t.test('leaves the application to another runner of it', async t => {
    const app = new Application()
    let cleaned = false
    app.get('/', () => text('<ok>'))
    app.onCleanup.add(() => void (cleaned = true))
    const first = await run(app)
    const second = await run(app)

    await first.runner.stop()
    t.equal(cleaned, false)
    t.equal(await (await fetch(second.url)).text(), '<ok>')
    await second.runner.stop()

    t.equal(cleaned, true)
  })

  t.end()
})

t.test('AppRunner.listen', t => {
  t.test('serves several addresses and lists them', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const { runner, url } = await run(app)
    const second = await runner.listen({ host: '127.0.0.1', port: 0 })

    t.equal(await (await fetch(url)).text(), '<ok>')
    t.equal(await (await fetch(second.url)).text(), '<ok>')
    t.strictSame(
      runner.addresses.map(address => address.url),
      [url, second.url],
    )
    await runner.stop()
  })

  t.test('serves on after an address was busy', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const { runner, url } = await run(app)

    await t.rejects(runner.listen({ host: '127.0.0.1', port: Number(new URL(url).port) }))
    t.equal(await (await fetch(url)).text(), '<ok>')
    await runner.stop()
  })

  t.test(
    'names an address that the machine does not have, or a port that cannot be, in one line',
    async t => {
      const { runner } = await run(new Application())

      await t.rejects(runner.listen({ host: '192.0.2.1', port: 0 }), /^Cannot listen on 192\.0\.2\.1:0: /)
      await t.rejects(
        runner.listen({ host: '127.0.0.1', port: 65_536 }),
        /Cannot listen on 127\.0\.0\.1:65536/,
      )
      await runner.stop()
    },
  )

  t.end()
})

t.test('the limits of AppRunner', t => {
  t.test('an idle connection ends after keepAliveTimeout (P3)', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const { runner, open } = await run(app, { keepAliveTimeout: 100 })
    const { ended } = await open(GET)

    const took = await duration(() => ended)

    t.ok(took >= 90 && took < 3000, `${took} ms`)
    await runner.stop()
  })

  t.test('a head that does not come is 408 (P3)', async t => {
    const { runner, open } = await run(new Application(), { headersTimeout: 100 })
    const { ended } = await open('GET / HTTP/1.1\r\n')

    t.match(await ended, /^HTTP\/1\.1 408 Request Timeout\r\n/)
    await runner.stop()
  })

  t.test('a body that does not come is 408 for its reader, through the middlewares (P3)', async t => {
    const statuses: number[] = []
    const app = new Application({ logger: silent })
    app.use(async (request, next) => {
      const response = await next(request)
      statuses.push(response.status)
      return response
    })
    app.post('/', async request => text(await request.text()))
    const { runner, open } = await run(app, { headersTimeout: 50, requestTimeout: 100 })
    const { ended } = await open('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha')

    t.match(await ended, /^HTTP\/1\.1 408 [^]*Connection: close/)
    t.strictSame(statuses, [408])
    await runner.stop()
  })

  t.test('maxHeaderSize and maxHeadersCount are 431 beyond (P2)', async t => {
    const app = new Application()
    app.get('/', () => text('<ok>'))
    const { runner, open } = await run(app, { maxHeaderSize: 1000, maxHeadersCount: 3 })
    const head = (fields: string) => `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`

    t.match(await (await open(head('x: y\r\n'))).ended, /^HTTP\/1\.1 200 /)
    t.match(await (await open(head('x: y\r\nz: y\r\n'))).ended, /^HTTP\/1\.1 431 /)
    t.match(await (await open(head(`x: ${'y'.repeat(1000)}\r\n`))).ended, /^HTTP\/1\.1 431 /)
    await runner.stop()
  })

  t.end()
})

t.test('an application takes the time from the clock of its runner, mounted ones too', async t => {
  class StoppedClock extends Clock {
    override now(): number {
      return 7
    }

    override elapsed(): number {
      return 7
    }

    override setTimer(): Timer {
      return { clear: () => undefined }
    }
  }
  const [app, mounted] = [new Application(), new Application()]
  app.mount('/in', mounted)
  const clock = new StoppedClock()
  const runner = new AppRunner(app, { clock })
  t.teardown(() => runner.stop())
  t.not(app.clock, clock)
  await runner.startup()

  t.equal(app.clock, clock)
  t.equal(mounted.clock, clock)
})
