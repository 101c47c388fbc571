import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Application, runApp } from '@allium/core'
import t from 'tap'
import type { Test } from 'tap'

import { runFixture } from './fixture-process.ts'
import { leaveSocket } from './left-socket.ts'

const script = fileURLToPath(new URL('fixtures/serve-workers.js', import.meta.url))

function serve(t: Test, ...args: string[]) {
  return runFixture(t, script, args)
}

/** The pids that answer, as asked over so many connections. */
async function pidsOf(url: string, connections = 12): Promise<Set<number>> {
  const pids = await Promise.all(
    Array.from({ length: connections }, async () => Number((await request(url)).text)),
  )
  return new Set(pids)
}

/** Asks at a URL, or at the path of a unix socket. */
function request(url: string, agent?: Agent): Promise<{ status: number; text: string }> {
  const [base, place] = url.startsWith('/') ? ['http://localhost', { socketPath: url }] : [url, {}]
  return new Promise((resolve, reject) => {
    get(base, { agent: agent ?? false, ...place }, response => {
      let text = ''
      response.on('data', chunk => (text += String(chunk)))
      response.on('end', () => resolve({ status: response.statusCode!, text })).on('error', reject)
    }).on('error', reject)
  })
}

t.test('workers', t => {
  t.test('share the address, and the parent serves nothing', async t => {
    const { child, exit, printed, url, output } = serve(t)
    const pids = await pidsOf(await url())
    const [, parent] = await printed(/the parent is (\d+)/)
    await printed(/Listening on \S+ \(2 workers\)/)

    t.equal(pids.size, 2)
    t.notOk(pids.has(Number(parent)))
    child.kill('SIGTERM')
    t.equal(await exit, 0)
    t.equal(output().split('cleaned up').length, 3)
    t.equal(output().split('after runApp').length, 2, 'only the parent goes on behind runApp')
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    t.test(`answer what is in flight at ${signal} (P49)`, async t => {
      const { child, exit, printed, url } = serve(t)
      const pending = fetch(`${await url()}/slow`)
      await printed(/slow began/)

      child.kill(signal)

      t.equal(await (await pending).text(), 'slow answer')
      t.equal(await exit, 0)
    })
  }

  t.test('share a unix socket, in place of one that was left behind', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'allium-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'a.sock')
    await leaveSocket(path)

    const { child, exit, url } = serve(t, 'socket', path)

    t.equal(await url(), `unix:${path}`)
    t.equal((await pidsOf(path)).size, 2)
    child.kill('SIGTERM')
    t.equal(await exit, 0)
    t.notOk(existsSync(path))
  })

  t.test('are replaced when they crash (P52)', async t => {
    const { child, exit, printed, url } = serve(t)
    const address = await url()
    const before = await pidsOf(address)

    await t.rejects(request(`${address}/crash`))
    await printed(/A worker has ended: replacing it/)
    let after = await pidsOf(address)
    while (after.size < 2) after = await pidsOf(address)

    t.equal([...after].filter(pid => before.has(pid)).length, 1)
    child.kill('SIGTERM')
    t.equal(await exit, 0)
  })

  t.test('that cannot start end the program, with the reason told once (P50)', async t => {
    for (const [mode, reason] of [
      ['broken', 'no database'],
      ['unmade', 'no configuration'],
    ] as const) {
      const { exit, output } = serve(t, mode)

      t.equal(await exit, 1)
      t.match(output(), new RegExp(`A worker could not start: Error: ${reason}`))
      t.equal(output().split(reason).length, 2, output())
    }
  })

  t.test('that keep dying end the program (P52)', async t => {
    const { exit, output } = serve(t, 'dying')

    t.equal(await exit, 1)
    t.match(output(), /Cannot keep workers running: 6 ended in a row, the last one with exit code 3/)
  })

  t.test('are replaced one by one at SIGHUP without a failed request (P49)', async t => {
    const { child, exit, printed, url } = serve(t)
    const address = await url()
    const before = await pidsOf(address)
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    let isLoading = true
    let answered = 0
    const load = Array.from({ length: 8 }, async () => {
      while (isLoading) {
        t.equal((await request(address, agent)).status, 200)
        answered++
      }
    })

    child.kill('SIGHUP')
    await printed(/All workers were replaced/)
    isLoading = false
    await Promise.all(load)
    agent.destroy()

    t.ok(answered > 100, `${answered} requests were answered meanwhile`)
    t.same(
      [...(await pidsOf(address))].filter(pid => before.has(pid)),
      [],
    )
    child.kill('SIGTERM')
    t.equal(await exit, 0)
  })

  t.test('stay at SIGHUP when a new one cannot start', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'allium-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const { child, exit, printed, url } = serve(t, 'spoilt', join(directory, 'spoilt'))
    const address = await url()
    const before = await pidsOf(address)
    await request(`${address}/spoil`)

    child.kill('SIGHUP')
    await printed(/A new worker could not start: the old ones stay/)

    t.same(await pidsOf(address), before)
    child.kill('SIGTERM')
    t.equal(await exit, 0)
  })

  t.test('are cut at the deadline: the exit code tells (P49)', async t => {
    const { child, exit, printed, url } = serve(t, 'impatient')
    const pending = fetch(`${await url()}/hang`)
    await printed(/hanging/)

    child.kill('SIGTERM')

    await t.rejects(pending)
    t.equal(await exit, 1)
  })

  for (const mode of ['loading', 'making', 'listening']) {
    t.test(`stop in time while one that takes the place of another is still ${mode} (P49)`, async t => {
      const directory = mkdtempSync(join(tmpdir(), 'allium-'))
      t.teardown(() => rmSync(directory, { recursive: true }))
      const { child, exit, printed, url } = serve(t, mode, join(directory, 'spoilt'))
      const address = await url()
      await request(`${address}/spoil`)
      await t.rejects(request(`${address}/crash`))
      await printed(/it takes long/)

      child.kill('SIGTERM')

      t.equal(await exit, 0)
    })
  }

  t.test('stop in time in the middle of a SIGHUP (P49)', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'allium-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const { child, exit, printed, url, output } = serve(t, 'loading', join(directory, 'spoilt'))
    await request(`${await url()}/spoil`)
    child.kill('SIGHUP')
    await printed(/it takes long/)

    child.kill('SIGTERM')

    t.equal(await exit, 0)
    t.notMatch(output(), /ERROR/)
  })

  t.test('may be ended by the SIGTERM of a service manager before they have heard of one', async t => {
    const { child, exit, printed } = serve(t, 'loading')
    const [, worker] = await printed(/it takes long in (\d+)/)

    child.kill('SIGTERM')
    await printed(/the parent stops/)
    process.kill(Number(worker), 'SIGTERM')

    t.equal(await exit, 0)
  })

  t.test('are killed at a second signal', async t => {
    const { child, exit, printed, url } = serve(t)
    const pending = fetch(`${await url()}/hang`)
    await printed(/hanging/)

    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGTERM'), 50)

    await t.rejects(pending)
    t.equal(await exit, 1)
  })

  t.test('end when their parent is gone (P52)', async t => {
    const { child, exit, url } = serve(t)
    const address = await url()
    const pids = await pidsOf(address)

    child.kill('SIGKILL')
    await exit

    for (const pid of pids) await gone(pid)
    t.pass('no process of the program is left')
  })

  t.test('need a function that makes the application, and a number that makes sense', async t => {
    await t.rejects(runApp(new Application(), { workers: 2 }), TypeError)
    for (const workers of [0, 1.5, NaN])
      await t.rejects(
        runApp(() => new Application(), { workers }),
        RangeError,
      )
  })

  t.end()
})

/** Settles when the process has ended. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
