import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { parseAppSource } from './app-source.ts'
import type { AppSource } from './app-source.ts'
import { CommandLineError } from './command-line.ts'
import type { WatchCommand } from './command-line.ts'
import { ErrorServer } from './error-server.ts'
import { watchFiles } from './file-watcher.ts'
import type { FileWatcher } from './file-watcher.ts'

/** What the process that serves is started with. */
export interface WatchedOptions {
  readonly source: AppSource
  readonly accessLog: WatchCommand['accessLog']
  readonly shutdownTimeout: number
}

/** What the process that serves tells this one. */
export type WatchedReport =
  { readonly allium: 'serving' } | { readonly allium: 'failed'; readonly reason: string }

const SHUTDOWN_TIMEOUT = 2000
/** How much longer than it was told to a process may take to stop, in milliseconds. */
const STOP_GRACE = 1500
const LOCALHOST = '127.0.0.1'
const PORT = 8080
/** How much of what a process printed is shown when it ended without a word, in characters. */
const TAIL = 8192

/**
 * Serves an application by a process of its own, which another one replaces whenever a file has changed. The port
 * stays with this process, and connections are handed over: so none is refused in between, they only wait. When the
 * application cannot start, or has ended, the error is what is served.
 *
 * @returns the exit code
 * @throws CommandLineError when the address cannot be used
 */
export async function watchApp(command: WatchCommand): Promise<number> {
  const { host = LOCALHOST, port = PORT, accessLog, shutdownTimeout = SHUTDOWN_TIMEOUT, extra } = command
  const source = parseAppSource(command.source)
  const session = new WatchSession({ source, accessLog, shutdownTimeout })
  const url = await session.listen(host, port)
  const watcher = await watchFiles(source.file, extra, file => session.restart(file))
  const ended = session.ended(watcher) // heeds signals from now on: whoever reads the next line may send one
  process.stdout.write(`Listening on ${url}, watching ${watcher.root}\n`)
  session.begin()
  return ended
}

class WatchSession {
  readonly #options: WatchedOptions
  readonly #server: Server
  readonly #errors = new ErrorServer()
  /** Connections that wait until it is clear who serves them. */
  readonly #waiting = new Set<Socket>()
  #child: WatchedProcess | undefined
  #state: 'changing' | 'serving' | 'broken' | 'ending' = 'changing'

  constructor(options: WatchedOptions) {
    this.#options = options
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, socket => this.#accept(socket))
  }

  listen(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', ({ message }) => reject(new CommandLineError(`Cannot watch: ${message}`)))
      this.#server.listen({ host, port }, () => {
        const { port } = this.#server.address() as AddressInfo
        resolve(`http://${host.replace(/.*:.*/, '[$&]')}:${port}`)
      })
    })
  }

  /** Starts the application for the first time. */
  begin(): void {
    this.#start()
  }

  /** Stops the process that serves, and starts another one. */
  restart(file: string): void {
    if (this.#state === 'ending') return
    process.stdout.write(`Restarting: ${relative('', file)} has changed\n`)
    this.#state = 'changing'
    this.#errors.changed()
    if (this.#child)
      this.#child.stop() // the next one is started when this one has ended
    else this.#start()
  }

  /** Settles when SIGINT, SIGTERM or SIGHUP has ended it all. */
  async ended(watcher: FileWatcher): Promise<number> {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    const kill = () => this.#child?.kill()
    await new Promise<void>(resolve => {
      for (const name of signals) process.once(name, () => resolve())
    })
    for (const name of signals) process.on(name, kill)
    this.#state = 'ending'
    this.#server.close()
    await watcher.close()
    this.#child?.stop()
    await this.#child?.ended
    for (const socket of this.#waiting) socket.destroy()
    this.#errors.close()
    for (const name of signals) process.off(name, kill)
    return 0
  }

  #start(): void {
    const child = new WatchedProcess(this.#options)
    this.#child = child
    child.serving.then(
      () => {
        if (this.#child === child && this.#state === 'changing' && !child.isStopping) this.#settle('serving')
      },
      () => {},
    )
    void child.ended.then(reason => {
      this.#child = undefined
      if (this.#state === 'ending') return
      if (child.isStopping) return this.#start()
      this.#errors.show(reason)
      this.#settle('broken')
      process.stderr.write(`${reason.split('\n', 1)[0]}: waiting for a change\n`)
    })
  }

  #settle(state: 'serving' | 'broken'): void {
    this.#state = state
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const socket of waiting) this.#route(socket)
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {}) // a client that leaves while it waits
    this.#route(socket)
  }

  #route(socket: Socket): void {
    if (socket.destroyed) return
    if (this.#state === 'serving' && this.#child) return this.#child.send(socket)
    if (this.#state === 'broken') return this.#errors.accept(socket)
    this.#waiting.add(socket)
    socket.once('close', () => this.#waiting.delete(socket))
  }
}

/** One process that serves the application as its files were when it was started. */
class WatchedProcess {
  /** Resolves when it takes connections. */
  readonly serving: Promise<void>
  /** Settles when it has ended, with what went wrong. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  readonly #patience: number
  #isStopping = false

  constructor(options: WatchedOptions) {
    this.#patience = options.shutdownTimeout + STOP_GRACE
    const env = { ...process.env, ALLIUM_DEBUG: process.env['ALLIUM_DEBUG'] ?? '1' }
    const script = fileURLToPath(new URL('watched-process.js', import.meta.url))
    const stdio = ['inherit', 'inherit', 'pipe', 'ipc'] as const
    this.#child = fork(script, [JSON.stringify(options)], { env, stdio: [...stdio] })
    let reason: string | undefined
    let printed = ''
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text)
      printed = (printed + text).slice(-TAIL)
    })
    this.serving = new Promise(resolve => {
      this.#child.on('message', message => {
        const report = message as WatchedReport
        if (report.allium === 'serving') resolve()
        else reason = report.reason
      })
    })
    this.ended = new Promise(resolve => {
      this.#child.once('close', (code, signal) => {
        const end = `The application has ended with ${signal ?? `exit code ${code}`}`
        resolve(reason ?? (printed === '' ? end : `${end}\n\n${printed}`))
      })
    })
  }

  /** Whether it ends because it was told to. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  send(socket: Socket): void {
    this.#child.send({ allium: 'connection' }, socket, {}, error => {
      if (error) socket.destroy()
    })
  }

  stop(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    if (this.#child.connected) this.#child.send({ allium: 'stop' }, () => {})
    const timer = setTimeout(() => this.kill(), this.#patience) // it may be busy in an endless loop
    void this.ended.then(() => clearTimeout(timer))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
