import { connect } from 'node:net'
import type { Server } from 'node:net'
import { chmod, lstat, unlink } from 'node:fs/promises'
import process from 'node:process'

import type { TlsOptions } from './tls.ts'
import { isWorker } from './worker-link.ts'

/** Where to listen: host and port, the path of a unix socket, or a socket that was opened already. */
export interface ListenTarget {
  /** Default: every interface. */
  readonly host?: string | undefined
  /** Default 8080, with `tls` 8443; 0 lets the system choose. */
  readonly port?: number | undefined
  /** A unix socket instead of host and port. One that nobody listens on any more is replaced. */
  readonly path?: string | undefined
  /** Permissions of the unix socket, such as `0o660`; default: what the umask leaves. */
  readonly mode?: number | undefined
  /** A listening socket that this process was started with, as a file descriptor: see {@link inheritedTargets}. */
  readonly fd?: number | undefined
  /** How many connections may wait to be accepted; default 511. */
  readonly backlog?: number | undefined
  /** Several processes may listen on the port, each by itself; default `false`. Not on every system. */
  readonly reusePort?: boolean | undefined
  /** Serves over TLS. */
  readonly tls?: TlsOptions | undefined
}

/** Where a runner is listening. */
export interface ListenAddress {
  /** `http://127.0.0.1:8080`, `unix:/path/of.sock`, or `fd:3` for a unix socket that was opened by somebody else. */
  readonly url: string
  /** The address, or the path of a unix socket; empty where Node does not know the path. */
  readonly host: string
  /** The port, 0 for a unix socket. */
  readonly port: number
}

const FIRST_INHERITED = 3

/**
 * The sockets that systemd has opened for this process (socket activation), as targets to listen on; empty without
 * any. In a worker they are those of its parent. Reads `LISTEN_FDS` and `LISTEN_PID`.
 */
export function inheritedTargets(environment: NodeJS.ProcessEnv = process.env): ListenTarget[] {
  const { LISTEN_PID, LISTEN_FDS } = environment
  // A worker has its parent open them: the numbers mean the parent's descriptors.
  const owner = isWorker(environment) ? process.ppid : process.pid
  if (Number(LISTEN_PID) !== owner || !/^\d+$/.test(LISTEN_FDS ?? '')) return []
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({ fd: FIRST_INHERITED + index }))
}

/**
 * Has a server listen.
 *
 * @throws Error in one line when the address is taken or may not be used
 */
export async function listen(server: Server, target: ListenTarget): Promise<void> {
  const { path, mode } = target
  if (path !== undefined && !isWorker()) await removeStaleSocket(path)
  await listening(server, target)
  if (path !== undefined && mode !== undefined) await chmod(path, mode)
}

/** Where a server listens. */
export function addressOf(server: Server, target: ListenTarget): ListenAddress {
  const address = server.address()
  if (address === null) return { url: `fd:${target.fd}`, host: '', port: 0 }
  if (typeof address === 'string') return { url: `unix:${address}`, host: address, port: 0 }
  const { address: host, port } = address
  const isEverywhere = host === '::' || host === '0.0.0.0'
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return { url: `${target.tls ? 'https' : 'http'}://${name}:${port}`, host, port }
}

function listening(server: Server, target: ListenTarget): Promise<void> {
  const { host, path, fd, backlog, reusePort, tls } = target
  const port = target.port ?? (tls ? 8443 : 8080)
  const [place, name] =
    fd !== undefined
      ? [{ fd, backlog }, `file descriptor ${fd}`]
      : path !== undefined
        ? [{ path, backlog }, path]
        : [{ host, port, backlog, ...(reusePort ? { reusePort } : {}) }, `${host ?? '*'}:${port}`]
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(listenError(name, cause as NodeJS.ErrnoException))
    server.once('error', fail)
    try {
      server.listen(place, () => {
        server.off('error', fail)
        resolve()
      })
    } catch (cause) {
      fail(cause) // a port that cannot be
    }
  })
}

/**
 * Removes a unix socket that has outlived a process which was killed; a file that is none is never touched. Workers leave
 * that to their parent, or one would remove what another has just made.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats?.isSocket() && !(await isAnswering(path))) await unlink(path).catch(() => {})
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', () => settle(true))
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code !== 'ECONNREFUSED'))
  })
}

/** One line is all that helps the person who reads it: no stack leads to whoever holds the port. */
function listenError(name: string, cause: NodeJS.ErrnoException): Error {
  const reasons: Record<string, string> = { EADDRINUSE: 'the address is in use', EACCES: 'permission denied' }
  const error = new Error(`Cannot listen on ${name}: ${reasons[cause.code ?? ''] ?? cause.message}`)
  error.stack = `Error: ${error.message}`
  return error
}
