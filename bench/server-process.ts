import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { pinned, SERVER_CORE } from './cores.ts'
import type { ScenarioName, ServerName } from './scenarios.ts'
import { TELL_USAGE } from './server-messages.ts'
import type { ServerMessage, Usage } from './server-messages.ts'

/** A server under test, in a process of its own. */
export class ServerProcess {
  readonly name: ServerName
  /** Where it listens, without a path. */
  readonly origin: string
  readonly #child: ChildProcess

  constructor(name: ServerName, child: ChildProcess, origin: string) {
    this.name = name
    this.origin = origin
    this.#child = child
  }

  /** What the process has used since it began. */
  async readUsage(): Promise<Usage> {
    this.#child.send(TELL_USAGE)
    const message = await nextMessage(this.#child, this.name)
    if (message.kind !== 'usage') throw new Error(`Cannot read the usage of ${this.name}: it listens anew`)
    return message
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}

/** Starts a server and waits until it listens. */
export async function startServer(name: ServerName, scenario: ScenarioName): Promise<ServerProcess> {
  const child = spawnServer(name, scenario)
  const message = await nextMessage(child, name)
  if (message.kind !== 'listening') throw new Error(`Cannot start ${name}: it does not say where it listens`)
  return new ServerProcess(name, child, `http://127.0.0.1:${message.port}`)
}

function spawnServer(name: ServerName, scenario: ScenarioName): ChildProcess {
  const file = fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url))
  const [command, ...parameters] = pinned(SERVER_CORE, [process.execPath, file, scenario])
  return spawn(command!, parameters, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
}

async function nextMessage(child: ChildProcess, name: ServerName): Promise<ServerMessage> {
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
