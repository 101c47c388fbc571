import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

import { Application, runApp, text } from '@allium/core'
import type { AppRunner } from '@allium/core'
import t from 'tap'
import type { Test } from 'tap'

import { runFixture } from './fixture-process.ts'

const script = fileURLToPath(new URL('fixtures/serve.js', import.meta.url))

function serve(t: Test, ...args: string[]) {
  return runFixture(t, script, args)
}

/** Settles as soon as somebody answers there. */
async function answering(url: string): Promise<void> {
  while (!(await fetch(url).catch(() => undefined))?.ok) await new Promise(resolve => setTimeout(resolve, 20))
}

t.test('runApp', t => {
  t.test('answers what is in flight at SIGTERM, cleans up, and exits with 0 (P49)', async t => {
    const { child, exit, printed, url, output } = serve(t)
    const pending = fetch(`${await url()}/slow`)
    await printed(/slow began/)

    child.kill('SIGTERM')

    t.equal(await (await pending).text(), 'slow answer')
    t.equal(await exit, 0)
    t.match(output(), /cleaned up\nafter runApp\n$/)
  })

  t.test('does not start in debug mode where that is production (P34)', async t => {
    const stage = process.env['NODE_ENV']
    process.env['NODE_ENV'] = 'production'
    t.teardown(() => {
      if (stage === undefined) delete process.env['NODE_ENV']
      else process.env['NODE_ENV'] = stage
    })
    const app = new Application({ debug: true })
    app.onStartup.add(() => void t.fail('started'))

    await t.rejects(runApp(app, { port: 0 }), { code: 'ERR_DEBUG_IN_PRODUCTION' })
  })

  t.test('tells of the runner once it listens, and stops what it has started when that throws', async t => {
    const app = new Application()
    const stop = new AbortController()
    let port = 0
    app.onCleanup.add(() => void (port = 0))
    await runApp(app, {
      host: '127.0.0.1',
      port: 0,
      print: null,
      signal: stop.signal,
      onListening: ({ addresses }) => {
        port = addresses[0]!.port
        t.ok(port > 0)
        stop.abort()
      },
    })
    t.equal(port, 0)

    const failing = () => {
      port = 1
      throw new Error('not like this')
    }
    await t.rejects(
      runApp(app, { host: '127.0.0.1', port: 0, print: null, onListening: failing }),
      /not like this/,
    )
    t.equal(port, 0)
  })

  t.test('says in debug mode where a promise was made whose rejection nobody handles', async t => {
    process.env['ALLIUM_DEBUG'] = '1'
    t.teardown(() => delete process.env['ALLIUM_DEBUG'])
    const { child, exit, printed, url } = serve(t)

    t.equal(await (await fetch(`${await url()}/floating`)).text(), 'served')
    const [line] = await printed(/A promise rejection was not handled.*/)
    child.kill('SIGTERM')

    t.match(line, /createdAt=.*serve/)
    t.equal(await exit, 0)
  })

  t.test('ends at once at a second signal', async t => {
    const { child, exit, printed, url, output } = serve(t)
    const pending = fetch(`${await url()}/hang`)
    await printed(/hanging/)

    child.kill('SIGINT')
    setTimeout(() => child.kill('SIGINT'), 50)

    await t.rejects(pending)
    t.equal(await exit, 1)
    t.notMatch(output(), /after runApp/)
  })

  t.test('cuts a handler that never ends at the deadline, cleans up, and exits with 1 (P49)', async t => {
    const { child, exit, printed, url, output } = serve(t, 'impatient')
    const pending = fetch(`${await url()}/hang`)
    await printed(/hanging/)

    child.kill('SIGTERM')

    await t.rejects(pending)
    t.equal(await exit, 1)
    t.match(output(), /cleaned up/)
  })

  t.test('ends the process a second after the deadline, whatever keeps it alive (P49)', async t => {
    const { child, exit, printed, url, output } = serve(t, 'held')
    const pending = fetch(`${await url()}/hang`)
    await printed(/hanging/)

    child.kill('SIGTERM')
    const begun = performance.now()

    await t.rejects(pending)
    t.equal(await exit, 1)
    t.ok(performance.now() - begun < 1900)
    t.match(output(), /after runApp\n[^]*The process did not end in time: ending it shutdownTimeout=200/)
  })

  t.test('leaves the process alone after a clean stop, whatever keeps it alive', async t => {
    const { child, exit, url, output } = serve(t, 'held')
    await url()

    child.kill('SIGTERM')

    t.equal(await exit, 7, 'the end that the program chose, after the time to stop')
    t.match(output(), /cleaned up\nafter runApp\n$/)
  })

  t.test('ends the process at SIGTERM while the startup hangs (P49)', async t => {
    const { child, exit, printed } = serve(t, 'stuck')
    await printed(/starting/)

    child.kill('SIGTERM')

    t.equal(await exit, 1)
  })

  t.test('stops at SIGHUP as at SIGTERM, also together with it', async t => {
    const { child, exit, printed, url, output } = serve(t)
    const pending = fetch(`${await url()}/slow`)
    await printed(/slow began/)

    for (const name of ['SIGHUP', 'SIGTERM', 'SIGHUP'] as const) child.kill(name)

    t.equal(await (await pending).text(), 'slow answer')
    t.equal(await exit, 0)
    t.match(output(), /cleaned up\nafter runApp\n$/)
  })

  t.test('logs a rejection that nobody handles, and serves on', async t => {
    const { child, exit, printed, url } = serve(t)
    const base = await url()

    t.equal(await (await fetch(`${base}/floating`)).text(), 'served')
    await printed(/A promise rejection was not handled\n {4}Error: nobody cares/)
    t.equal(await (await fetch(base)).text(), 'hello')

    child.kill('SIGTERM')
    t.equal(await exit, 0)
  })

  t.test('drains and exits with 1 when an exception is not caught (P51)', async t => {
    const { exit, url, output } = serve(t)

    t.equal(await (await fetch(`${await url()}/uncaught`)).text(), 'served')

    t.equal(await exit, 1)
    t.match(output(), /An exception was not caught[^]*out of the blue[^]*cleaned up/)
  })

  t.test('ends after an exception although something keeps the process alive (P51)', async t => {
    const { exit, url } = serve(t, 'held')

    t.equal(await (await fetch(`${await url()}/uncaught`)).text(), 'served')

    t.equal(await exit, 1)
  })

  t.test('fails with the cause, once, when the application cannot start (P50)', async t => {
    const { exit, output } = serve(t, 'broken')

    t.equal(await exit, 1)
    t.equal(output().match(/Error: cannot start/g)?.length, 1)
    t.match(output(), /cleaned up/)
  })

  t.test('unwinds the startup when the address is taken', async t => {
    const holder = createServer().listen(0, '127.0.0.1')
    t.teardown(() => holder.close())
    await new Promise(resolve => holder.once('listening', resolve))
    const { port } = holder.address() as AddressInfo
    const app = new Application()
    let cleaned = false
    app.onCleanup.add(() => void (cleaned = true))

    await t.rejects(runApp(app, { host: '127.0.0.1', port, print: null }), /the address is in use/)

    t.equal(cleaned, true)
  })

  t.test('serves on when nobody reads its output any more (P52)', async t => {
    const { child, exit, url } = serve(t, 'logging')
    const base = await url()

    child.stdout.destroy()
    child.stderr.destroy()
    for (let i = 0; i < 20; i++) t.equal((await fetch(i % 2 ? base : `${base}/floating`)).status, 200)
    child.kill('SIGTERM')

    t.equal(await exit, 0)
  })

  t.test('serves on when the disk that its output goes to is full (P52)', async t => {
    const full = openSync('/dev/full', 'w')
    t.teardown(() => closeSync(full))
    const holder = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => holder.once('listening', resolve))
    const { port } = holder.address() as AddressInfo
    await new Promise(resolve => holder.close(resolve))
    const child = spawn(process.execPath, [script, 'logging', String(port)], {
      stdio: ['ignore', full, full],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const exit = new Promise<number | null>(resolve => child.on('close', resolve))

    await answering(`http://127.0.0.1:${port}`)
    for (let i = 0; i < 10; i++) t.equal((await fetch(`http://127.0.0.1:${port}/floating`)).status, 200)
    child.kill('SIGTERM')

    t.equal(await exit, 0)
  })

  t.test('serves on when connections have used up all descriptors (P52)', async t => {
    const limited = `ulimit -n 100; exec "${process.execPath}" "${script}"`
    const child = spawn('sh', ['-c', limited], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    const [, url] = await new Promise<RegExpExecArray>(resolve =>
      child.stdout.on('data', chunk => {
        const match = /Listening on (\S+)/.exec(String(chunk))
        if (match) resolve(match)
      }),
    )
    const { port } = new URL(url!)

    const sockets = Array.from({ length: 100 }, () =>
      connect(Number(port), '127.0.0.1').on('error', () => {}),
    )
    await Promise.all(
      sockets.map(socket => new Promise(resolve => socket.once('connect', resolve).once('close', resolve))),
    )
    for (const socket of sockets) socket.destroy()
    await answering(url!)

    t.equal(child.exitCode, null)
    child.kill('SIGTERM')
    t.equal(await new Promise(resolve => child.on('close', resolve)), 0)
  })

  t.test('stops by an AbortSignal, and leaves no listener on the process (P53)', async t => {
    const before = process.listenerCount('SIGTERM') + process.listenerCount('uncaughtException')
    const controller = new AbortController()
    const lines: string[] = []
    const app = new Application()
    app.get('/', () => text('hello'))

    const print = (line: string) => {
      lines.push(line)
      controller.abort()
    }
    await runApp(app, { host: '127.0.0.1', port: 0, signal: controller.signal, print })
    t.match(lines, [/^Listening on http:\/\/127\.0\.0\.1:\d+$/])
    t.equal(process.listenerCount('SIGTERM') + process.listenerCount('uncaughtException'), before)
  })

  t.test('listens on nothing when it is time to stop before the startup is over', async t => {
    const controller = new AbortController()
    const steps: string[] = []
    const app = new Application()
    app.cleanupContexts.add(async function* () {
      controller.abort()
      yield steps.push('set up')
      steps.push('cleaned up')
    })

    await runApp(app, { port: 0, signal: controller.signal, print: line => steps.push(line) })

    t.same(steps, ['set up', 'cleaned up'])
  })

  t.test('hands over its runner once it listens', async t => {
    const controller = new AbortController()
    const addresses: string[] = []
    const onListening = (runner: AppRunner) => {
      addresses.push(...runner.addresses.map(({ url }) => url))
      controller.abort()
    }

    await runApp(new Application(), {
      host: '::1',
      port: 0,
      signal: controller.signal,
      print: null,
      onListening,
    })

    t.match(addresses, [/^http:\/\/\[::1\]:\d+$/])
  })

  t.end()
})
