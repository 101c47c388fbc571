import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import type { Test } from 'tap'

/** A server that belongs to one test, which may do to it what it likes. */
export interface OwnServer {
  readonly url: string
  /** Starts it, again after a {@link OwnServer.kill}, on the same data and port. */
  start(): Promise<void>
  /** Ends it in the middle of whatever it does, as `kill -9`; when none of its processes is left, it resolves. */
  kill(): Promise<void>
  /** Stops it without ending it: it keeps its connections, and says nothing. */
  freeze(): void
  /** Lets it go on. */
  thaw(): void
}

interface Program {
  readonly url: string
  readonly port: number
  readonly command: string
  readonly args: readonly string[]
  readonly user: ServerUser
}

/** PostgreSQL refuses to run as root: there, it runs as somebody else. */
type ServerUser = { readonly uid: number; readonly gid: number } | Record<string, never>

/** A Redis of a cluster has another port, 10,000 above. */
const MAX_PORT = 55_535

const isRequired = process.env['ALLIUM_REQUIRE_SERVICES'] === '1'
const redisServer = findRedis()
const postgresFolder = findPostgres()

/** Why there is no Redis to start, unless somebody insists that there is. */
export const skipOwnRedis = redisServer || isRequired ? false : 'there is no redis-server to start'
/** Why there is no PostgreSQL to start, unless somebody insists that there is. */
export const skipOwnPostgres = postgresFolder || isRequired ? false : 'there is no postgres to start'

/** Starts a Redis which has every write on disk before it answers; `more` are options of its own. */
export async function startOwnRedis(t: Test, more: readonly string[] = []): Promise<OwnServer> {
  const [folder, port] = [createFolder(t, {}), await freePort()]
  const address = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder]
  const args = [...address, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always', ...more]
  return run(t, { url: `redis://127.0.0.1:${port}`, port, command: redisServer!, args, user: {} })
}

/** Starts a PostgreSQL on an empty cluster. */
export async function startOwnPostgres(t: Test): Promise<OwnServer> {
  const user = serverUser()
  const folder = createFolder(t, user)
  const data = join(folder, 'data')
  const made = spawnSync(
    join(postgresFolder!, 'initdb'),
    ['-D', data, '-U', 'root', '-A', 'trust', '--no-sync'],
    { ...user, cwd: folder, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(made.stderr)
  const port = await freePort() // behind what takes long, or somebody else may have taken it by then
  const args = ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', folder]
  const url = `postgres://root@127.0.0.1:${port}/postgres`
  return run(t, { url, port, command: join(postgresFolder!, 'postgres'), args, user })
}

async function run(t: Test, program: Program): Promise<OwnServer> {
  let child: ChildProcess | undefined
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  }
  const start = async () => {
    // The processes of a killed PostgreSQL live on until they notice, and write. Their end of this pipe is what says so.
    const stdio = ['ignore', 'pipe', 'ignore'] as const
    child = spawn(program.command, program.args, { ...program.user, stdio: [...stdio], cwd: '/' })
    child.stdout!.resume()
    if (await isReady(child, program.port)) return
    throw new Error(`Cannot start ${program.command} on port ${program.port}`)
  }
  t.teardown(kill)
  await start()
  return {
    url: program.url,
    start,
    kill,
    freeze: () => signalAll(child!, 'SIGSTOP'),
    thaw: () => signalAll(child!, 'SIGCONT'),
  }
}

/** A PostgreSQL has a process for each connection. */
function signalAll({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  for (const id of [pid!, ...children.split(' ').filter(Boolean).map(Number)]) process.kill(id, signal)
}

/** Whether the program accepts connections before it ends. */
async function isReady(child: ChildProcess, port: number): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    if (await accepts(port)) return true
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return false
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // it listens on TCP
    server.close()
    await once(server, 'close')
    if (port <= MAX_PORT) return port
  }
}

function createFolder(t: Test, user: ServerUser): string {
  const folder = mkdtempSync(join(tmpdir(), 'allium-server-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  return folder
}

function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map(flag => {
    const { stdout } = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' })
    return Number.parseInt(stdout || '65534', 10)
  })
  return { uid: uid!, gid: gid! }
}

function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map(version => join(debian, version, 'bin')), '/usr/bin', '/usr/local/bin']
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

function findRedis(): string | undefined {
  const folders = ['/usr/bin', '/usr/local/bin']
  return folders.map(folder => join(folder, 'redis-server')).find(path => existsSync(path))
}
