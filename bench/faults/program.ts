import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const server = fileURLToPath(new URL('server.js', import.meta.url))

/** How a program ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A running program, and what it prints. */
export class Program {
  readonly child: ChildProcess
  /** Settles when it has ended and all its output was read. */
  readonly ended: Promise<Ending>
  output = ''
  readonly #onOutput = new Set<() => void>()

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        for (const look of this.#onOutput) look()
      })
    this.ended = new Promise(resolve => {
      this.child.once('close', (code: number | null, signal: NodeJS.Signals | null) =>
        resolve({ code, signal }),
      )
    })
  }

  /** Settles when the text was printed. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.output)
        if (!match) return
        this.#onOutput.delete(look)
        resolve(match)
      }
      this.#onOutput.add(look)
      look()
      void this.ended.then(() => reject(new Error(`${pattern} was not printed, but: ${this.output}`)))
    })
  }

  /** The port that it listens on, once it does. */
  async port(): Promise<number> {
    const [, port] = await this.printed(/Listening on http:\S+:(\d+)/)
    return Number(port)
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

/** Starts the server of the faults. */
export function startServer(mode: string, env: Record<string, string> = {}): Program {
  return new Program(process.execPath, [server, mode], { env: { ...process.env, ...env } })
}
