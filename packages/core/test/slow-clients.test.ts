import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import process from 'node:process'

import { Application, AppRunner, createLogger, text } from '@allium/core'
import t from 'tap'
import type { Test } from 'tap'

const program = '/usr/bin/slowhttptest'
const CONNECTIONS = 20

/** What slowhttptest does, by the names of its manual. */
const attacks = {
  'that send their head slowly': ['-H', '-i', '1'],
  'that send their body slowly': ['-B', '-i', '1', '-s', '8192'],
  'that read their answer slowly': ['-X', '-w', '10', '-y', '20', '-n', '5', '-z', '32', '-k', '1'],
}

// Without the program there is nothing to run, except where the gate says that there has to be.
if (existsSync(program) || process.env['ALLIUM_REQUIRE_SERVICES']) {
  for (const [name, args] of Object.entries(attacks))
    t.test(`clients ${name} are cut while others are served (P3)`, t => underAttack(t, args))
} else {
  t.pass('slowhttptest is not installed')
}

async function underAttack(t: Test, args: readonly string[]): Promise<void> {
  const { runner, url } = await run(t)
  const attack = attackWith(t, `${url}/large`, args)
  const start = performance.now()
  let isOver = false
  void attack.then(() => (isOver = true))
  const cut = () => runner.counts.refused + runner.counts.aborted

  while (cut() < CONNECTIONS && !isOver) {
    const response = await fetch(`${url}/`, { headers: { connection: 'close' } })
    if ((await response.text()) !== 'served') t.fail('others are not served')
    await new Promise(resolve => setTimeout(resolve, 20))
  }

  t.ok(cut() >= CONNECTIONS, `${cut()} were cut`)
  t.ok(performance.now() - start < 15_000, 'by the server: they would have gone on for 20 seconds')
}

async function run(t: Test) {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.get('/', () => text('served'))
  app.get('/large', () => text('x'.repeat(16 * 1024 * 1024)))
  app.post('/large', async request => text(await request.text()))
  const limits = { headersTimeout: 1000, requestTimeout: 1000, writeTimeout: 1000, shutdownTimeout: 1000 }
  const runner = new AppRunner(app, limits)
  await runner.startup()
  t.teardown(() => runner.stop())
  return { runner, url: (await runner.listen({ host: '127.0.0.1', port: 0 })).url }
}

/** Attacks for at most 20 seconds; settles when that is over. */
async function attackWith(t: Test, url: string, args: readonly string[]): Promise<void> {
  const cwd = mkdtempSync(`${tmpdir()}/allium-`)
  const counts = ['-c', String(CONNECTIONS), '-r', String(CONNECTIONS), '-l', '20', '-p', '5']
  const child = spawn(program, [...args, ...counts, '-u', url], { cwd, stdio: 'ignore' })
  t.teardown(() => {
    child.kill('SIGKILL')
    rmSync(cwd, { recursive: true })
  })
  await once(child, 'exit')
}
