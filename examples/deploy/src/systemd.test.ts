import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import t from 'tap'
import type { Test } from 'tap'

import { readSettings } from './settings.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const activate = '/usr/bin/systemd-socket-activate'
const service = readUnit('allium.service')
const socket = readUnit('allium.socket')

t.test('the time to stop ends before the patience of systemd does', async t => {
  const { shutdownTimeout = NaN } = readSettings(environmentOf(service))

  t.ok(shutdownTimeout + 1000 < Number(service.get('TimeoutStopSec')?.[0]) * 1000)
})

// Without systemd there is nothing to run, except where the gate says that there has to be.
if (existsSync(activate) || process.env.ALLIUM_REQUIRE_SERVICES) {
  t.test('under systemd', underSystemd)
} else {
  t.pass('systemd is not installed')
}

async function underSystemd(t: Test): Promise<void> {
  t.test('both units are understood', async t => {
    const copies = temporaryFolder(t)
    for (const name of ['allium.service', 'allium.socket'])
      writeFileSync(join(copies, name), read(name).replace('/usr/bin/node', process.execPath))

    const unit = join(copies, 'allium.service')
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], {
      encoding: 'utf8',
    })

    t.same([status, stderr], [0, ''])
  })

  t.test('the first connection starts all workers, which reload and stop as the unit says', async t => {
    const path = join(temporaryFolder(t), 'app.sock')
    const { child, printed } = start(t, path)
    await printed(/Listening on .*app\.sock/)

    const first = await pidOf(path)
    await printed(/Listening on fd:3 \(2 workers\)/)
    reload(child.pid)
    await printed(/All workers were replaced/)

    t.not(await pidOf(path), first)
    child.kill('SIGTERM')
    t.same(await once(child, 'exit'), [0, null])
    t.ok(existsSync(path), 'the socket is of systemd, for the next start')
  })
}

/** Runs what the unit runs, on a socket in another place. */
function start(t: Test, path: string) {
  const [program = '', ...args] = service.get('ExecStart')?.[0]?.split(' ') ?? []
  const settings = Object.entries(environmentOf(service)).map(([name, value]) => `--setenv=${name}=${value}`)
  t.equal(program, '/usr/bin/node')
  t.equal(socket.get('ListenStream')?.[0], '/run/allium/app.sock')
  const child = spawn(activate, ['-l', path, ...settings, process.execPath, ...args], { cwd: folder })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  const printed = async (pattern: RegExp) => {
    while (!pattern.test(output)) await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
  }
  return { child, printed }
}

function reload(pid: number | undefined): void {
  const [program = '', ...args] = service.get('ExecReload')?.[0]?.split(' ') ?? []
  execFileSync(
    program,
    args.map(argument => argument.replace('$MAINPID', String(pid))),
  )
}

async function pidOf(socketPath: string): Promise<number> {
  const [response] = (await once(get({ socketPath, agent: false }), 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk)
  return (JSON.parse(body) as { pid: number }).pid
}

function environmentOf(unit: Map<string, string[]>): Record<string, string> {
  return Object.fromEntries(
    (unit.get('Environment') ?? []).map(line => line.split('=', 2) as [string, string]),
  )
}

/** The values of a unit by their names, whatever the section. */
function readUnit(name: string): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const [, key = '', value = ''] of read(name).matchAll(/^(\w+)=(.*)$/gm))
    values.set(key, [...(values.get(key) ?? []), value])
  return values
}

function read(name: string): string {
  return readFileSync(join(folder, 'systemd', name), 'utf8')
}

function temporaryFolder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'allium-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}
