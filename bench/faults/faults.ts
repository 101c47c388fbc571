import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { Load } from './load.ts'
import type { LoadCounts } from './load.ts'
import { Program, startServer } from './program.ts'
import type { Ending } from './program.ts'

/** What came of a fault. */
export interface Outcome {
  readonly counts?: LoadCounts | undefined
  /** How many of the requests may have failed: those that the fault itself has cut, or that never reached the process. */
  readonly mayFail?: number | undefined
  /** How many requests the server had accepted and did not answer, as it counts itself. */
  readonly cut?: number | undefined
  readonly ending?: Ending | undefined
  /** The exit code that is right; default: whatever it is. */
  readonly code?: number | undefined
  /** Whether everything else was as it has to be; default `true`. */
  readonly isRight?: boolean | undefined
  /** What was seen, in words. */
  readonly seen: string
}

/** A fault that is injected into a running server. */
export interface Fault {
  readonly name: string
  run(): Promise<Outcome>
}

/**
 * So many clients of a stop may find that they were not connected after all: the system resets those whose handshake was not over
 * when the listener closed. The server has never heard of them.
 */
const UNHEARD = 2
const KEPT = 16
const FRESH = 16
const SERVER = fileURLToPath(new URL('server.js', import.meta.url))

/** All faults, the gentle ones first. */
export const faults: readonly Fault[] = [
  { name: 'SIGTERM under load, one process', run: () => stopUnderLoad('1') },
  { name: 'SIGTERM under load, two workers', run: () => stopUnderLoad('2') },
  { name: 'SIGTERM while the event loop is blocked for 2 s', run: stopWhileBlocked },
  { name: 'Ctrl-C at `npm start` under load: SIGINT to everybody', run: () => stopNpm('', 'SIGINT') },
  { name: 'SIGTERM to `npm start` with `exec node …` under load', run: () => stopNpm('exec ', 'SIGTERM') },
  { name: 'SIGTERM twice, a handler hangs', run: stopTwice },
  { name: 'SIGTERM, a handler never ends', run: () => stopWithout('/hang', /a handler hangs/) },
  { name: 'SIGTERM, a task never ends', run: () => stopWithout('/task', /a task hangs/) },
  { name: 'SIGHUP under load: workers are replaced', run: replaceUnderLoad },
  { name: 'kill -9 of a worker under load', run: killWorker },
  { name: 'kill -9 of the parent under load', run: killParent },
  { name: 'workers that die as they start', run: dieAgainAndAgain },
  { name: 'the port is in use', run: usePort },
  { name: 'a unix socket was left behind', run: leaveSocket },
  { name: 'the start-up throws half-way', run: () => fail('start-up throws', 'no database') },
  { name: 'a clean-up throws', run: failCleanup },
]

async function stopUnderLoad(workers: string): Promise<Outcome> {
  const server = startServer('none', { WORKERS: workers })
  const load = await startLoad(server)
  server.kill('SIGTERM')
  const ending = await server.ended
  return {
    counts: await load.stop(),
    mayFail: UNHEARD,
    cut: cutBy(server),
    ending,
    code: 0,
    seen: 'cleaned up',
  }
}

async function stopWhileBlocked(): Promise<Outcome> {
  const server = startServer('none')
  const load = await startLoad(server)
  const asked = ask(await server.port(), '/block')
  await server.printed(/the event loop is blocked/)
  server.kill('SIGTERM')
  const ending = await server.ended
  const counts = await load.stop()
  const seen = `the one who blocked it got ${await asked}`
  return { counts, mayFail: UNHEARD, cut: cutBy(server), ending, code: 0, seen }
}

/** npm starts a shell, and that the program; only with `exec` does the program take the place of the shell. */
async function stopNpm(prefix: string, signal: 'SIGINT' | 'SIGTERM'): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'allium-'))
  const start = `${prefix}${JSON.stringify(process.execPath)} ${JSON.stringify(SERVER)}`
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'faults', scripts: { start } }))
  const env = { ...process.env, WORKERS: '2' }
  const server = new Program('npm', ['start'], { cwd: folder, env, detached: true })
  const load = await startLoad(server)
  const { pid = NaN } = server.child
  process.kill(signal === 'SIGINT' ? -pid : pid, signal)
  await server.ended // npm's own exit code is that of a signal
  const counts = await load.stop()
  rmSync(folder, { recursive: true })
  const cleanups = server.output.split('was cleaned up').length - 1
  const cut = cutBy(server)
  return {
    counts,
    mayFail: UNHEARD,
    cut,
    isRight: cleanups === 2,
    seen: `${cleanups} of 2 workers cleaned up`,
  }
}

async function stopTwice(): Promise<Outcome> {
  const server = startServer('none')
  const asked = ask(await server.port(), '/hang')
  await server.printed(/a handler hangs/)
  const start = performance.now()
  server.kill('SIGTERM')
  await delay(100)
  server.kill('SIGTERM')
  const ending = await server.ended
  return { ending, code: 1, seen: `gone after ${since(start)}, the handler's client got ${await asked}` }
}

async function stopWithout(path: string, printed: RegExp): Promise<Outcome> {
  const server = startServer('none', { SHUTDOWN_TIMEOUT: '1000' })
  const load = await startLoad(server)
  void ask(await server.port(), path)
  await server.printed(printed)
  const start = performance.now()
  server.kill('SIGTERM')
  const ending = await server.ended
  const took = performance.now() - start
  const counts = await load.stop()
  // shutdownTimeout and a second, and the end of the process
  const cut = cutBy(server)
  return {
    counts,
    mayFail: UNHEARD,
    cut,
    ending,
    code: 1,
    isRight: took < 2500,
    seen: `gone after ${since(start)}`,
  }
}

async function replaceUnderLoad(): Promise<Outcome> {
  const server = startServer('none', { WORKERS: '2' })
  const load = await startLoad(server)
  server.kill('SIGHUP')
  await server.printed(/All workers were replaced/)
  await load.answered(500)
  const counts = { ...(await load.stop()) }
  server.kill('SIGTERM')
  const ending = await server.ended
  return { counts, cut: cutBy(server), ending, code: 0, isRight: counts.refused === 0, seen: 'both replaced' }
}

async function killWorker(): Promise<Outcome> {
  const server = startServer('none', { WORKERS: '2' })
  const load = await startLoad(server)
  const [victim] = await pidsOf(server)
  process.kill(victim, 'SIGKILL')
  await server.printed(/A worker has ended: replacing it/)
  await delay(1000)
  await load.answered(500)
  const counts = await load.stop()
  const pids = await pidsOf(server)
  server.kill('SIGTERM')
  const ending = await server.ended
  const isRight = pids.length === 2 && !pids.includes(victim)
  // Each of its connections loses the request that it had begun.
  return { counts, mayFail: KEPT + FRESH, ending, code: 0, isRight, seen: `${isRight ? '' : 'not '}replaced` }
}

async function killParent(): Promise<Outcome> {
  const server = startServer('none', { WORKERS: '2' })
  const load = await startLoad(server)
  const pids = await pidsOf(server)
  const start = performance.now()
  server.kill('SIGKILL')
  while (pids.some(isAlive)) await delay(10)
  const seen = `no worker is left after ${since(start)}`
  return { counts: await load.stop(), mayFail: KEPT + FRESH, seen }
}

async function dieAgainAndAgain(): Promise<Outcome> {
  const server = startServer('workers die', { WORKERS: '2' })
  const start = performance.now()
  const ending = await server.ended
  const [reason] = /(?<=Error: )Cannot keep workers running: [^\n]*/.exec(server.output) ?? ['no reason']
  return { ending, code: 1, seen: `after ${since(start)}: ${reason}` }
}

async function usePort(): Promise<Outcome> {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  const server = startServer('none', { PORT: String(port) })
  const ending = await server.ended
  holder.close()
  const [line] = /Cannot listen on [^\n]*in use/.exec(server.output) ?? ['not said']
  const isRight = server.output.includes('the first context was cleaned up')
  return { ending, code: 1, isRight, seen: line.replace(/:\d+/, ':…') }
}

async function leaveSocket(): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'allium-'))
  const SOCKET = join(folder, 'app.sock')
  const first = startServer('none', { SOCKET })
  await first.printed(/Listening/)
  first.kill('SIGKILL')
  await first.ended
  const server = startServer('none', { SOCKET, WORKERS: '2' })
  await server.printed(/Listening/)
  const load = new Load({ path: SOCKET }, KEPT, FRESH)
  await load.answered(500)
  const counts = await load.stop()
  server.kill('SIGTERM')
  const ending = await server.ended
  rmSync(folder, { recursive: true })
  return { counts, ending, code: 0, seen: 'replaced' }
}

async function fail(mode: string, reason: string): Promise<Outcome> {
  const server = startServer(mode)
  const ending = await server.ended
  const told = server.output.split(`Error: ${reason}`).length - 1
  const cleaned = server.output.includes('the first context was cleaned up')
  const seen = `the reason was told ${told === 1 ? 'once' : `${told} times`}, what was set up was ${cleaned ? '' : 'not '}cleaned up`
  return { ending, code: 1, isRight: told === 1 && cleaned, seen }
}

async function failCleanup(): Promise<Outcome> {
  const server = startServer('clean-up throws')
  const load = await startLoad(server)
  server.kill('SIGTERM')
  const ending = await server.ended
  const cleaned = server.output.includes('the first context was cleaned up')
  const told = server.output.includes('no farewell')
  const seen = `the other was ${cleaned ? '' : 'not '}cleaned up, the reason was ${told ? '' : 'not '}told`
  const counts = await load.stop()
  return { counts, mayFail: UNHEARD, cut: cutBy(server), ending, code: 1, isRight: cleaned && told, seen }
}

async function startLoad(server: Program): Promise<Load> {
  const load = new Load({ port: await server.port(), host: '127.0.0.1' }, KEPT, FRESH)
  await load.answered(1000)
  return load
}

function cutBy(server: Program): number {
  const counts = server.output.matchAll(/accepted and not answered: (\d+)/g)
  return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0)
}

/** The status of the answer, or what became of it. */
async function ask(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  let received = ''
  socket.on('data', chunk => (received += String(chunk)))
  await once(socket, 'close')
  return received.slice(9, 12) || 'no answer'
}

/** The processes whose parent the program is. */
async function pidsOf(server: Program): Promise<[number, ...number[]]> {
  const list = new Program('ps', ['-o', 'pid=', '--ppid', String(server.child.pid)])
  await list.ended
  const [first = NaN, ...others] = list.output.trim().split(/\s+/).map(Number)
  return [first, ...others]
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function since(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}
