import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { LOAD_CORE, pinned, SERVER_CORE } from './cores.ts'
import type { Scenario, ServerName } from './scenario.ts'
import type { ScenarioName } from './scenarios.ts'
import { PYTHON } from './python.ts'
import { TELL_MEMORY, TELL_USAGE } from './server-messages.ts'
import type { ServerMessage, Usage } from './server-messages.ts'

/** A server under test, in a process of its own. */
export class ServerProcess {
  readonly name: string
  /** Where it listens, without a path. */
  readonly origin: string
  /** What every request to it carries. */
  headers: Readonly<Record<string, string>> = {}
  /** What each request to it carries one of, in turn. */
  cookies: readonly string[] = []
  readonly #child: ChildProcess

  constructor(name: string, child: ChildProcess, origin: string) {
    this.name = name
    this.origin = origin
    this.#child = child
  }

  /** What the process has used since it began. */
  async readUsage(): Promise<Usage> {
    return this.ask(TELL_USAGE, 'usage')
  }

  /** What the process holds in memory when its garbage has been collected, in bytes. */
  async readMemory(): Promise<number> {
    return (await this.ask(TELL_MEMORY, 'memory')).resident
  }

  /** Asks the process something that it answers with one message of this kind. */
  async ask<Kind extends ServerMessage['kind']>(
    question: string,
    kind: Kind,
  ): Promise<Extract<ServerMessage, { readonly kind: Kind }>> {
    this.#child.send(question)
    const message = await nextMessage(this.#child, this.name)
    if (isOfKind(message, kind)) return message
    throw new Error(`Cannot ask ${this.name} for its ${kind}: it answers with "${message.kind}"`)
  }

  /** Gets ready to be asked: with cookies, where the scenario needs them. */
  async prepare({ headers, login, visitors = 1 }: Scenario): Promise<void> {
    this.headers = headers
    if (login === undefined) return
    this.cookies = await Promise.all(Array.from({ length: visitors }, () => this.#logIn(login)))
  }

  async #logIn(path: string): Promise<string> {
    const response = await fetch(this.origin + path)
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
    if (cookie === undefined) throw new Error(`Cannot measure ${this.name}: it gives no cookie`)
    return cookie
  }

  /** Says something that only this kind of server understands. */
  send(message: object): void {
    this.#child.send(message)
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}

/** What a server is started with. */
export interface ServerStart {
  /** What it is called in the table. */
  readonly name: string
  readonly server: ServerName
  readonly scenario: ScenarioName
  /** The folder of the compiled benches; default: these. */
  readonly folder?: URL
  readonly env?: Readonly<Record<string, string>>
  /** Whether it runs on the core of the load, because it is not what is measured. */
  readonly isAside?: boolean
}

/** Starts a server and waits until it listens. */
export async function startServer(start: ServerStart): Promise<ServerProcess> {
  const { name } = start
  const child = spawnServer(start)
  const message = await nextMessage(child, name)
  if (message.kind !== 'listening') throw new Error(`Cannot start ${name}: it does not say where it listens`)
  return new ServerProcess(name, child, `http://127.0.0.1:${message.port}`)
}

function spawnServer({ server, scenario, folder, env, isAside }: ServerStart): ChildProcess {
  const here = folder ?? new URL('./', import.meta.url)
  const file = fileURLToPath(
    new URL(server === 'aiohttp' ? '../servers/aiohttp_server.py' : `./servers/${server}.js`, here),
  )
  const interpreter = server === 'aiohttp' ? PYTHON : process.execPath
  const [command, ...parameters] = pinned(isAside ? LOAD_CORE : SERVER_CORE, [interpreter, file, scenario])
  return spawn(command!, parameters, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  })
}

function isOfKind<Kind extends ServerMessage['kind']>(
  message: ServerMessage,
  kind: Kind,
): message is Extract<ServerMessage, { readonly kind: Kind }> {
  return message.kind === kind
}

async function nextMessage(child: ChildProcess, name: string): Promise<ServerMessage> {
  const settled = new AbortController() // takes the listener off that was not needed
  const exit = once(child, 'exit', settled).then(() => {
    throw new Error(`Cannot go on with ${name}: its process has ended`)
  })
  try {
    const [message] = (await Promise.race([once(child, 'message', settled), exit])) as [ServerMessage]
    return message
  } finally {
    settled.abort()
  }
}
