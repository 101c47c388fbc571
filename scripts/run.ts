import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { root } from './workspace.ts'

/** How a command ended, with all it printed. */
export interface RunResult {
  readonly code: number | null
  /** What ended the command, if it did not end by itself. */
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

/** Options of {@link run}. */
export interface RunOptions extends SpawnOptions {
  /** Sees the child and all its output so far, each time it printed something. */
  readonly onOutput?: (child: ChildProcess, output: string) => void
}

/** Runs a command in the root folder and collects what it prints to both streams. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { onOutput, ...spawnOptions } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...spawnOptions })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
        onOutput?.(child, output)
      })
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, output }))
  })
}

/** Like {@link run}, but a command that fails is an error which shows its output. */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, signal, output } = await run(command, args, options)
  if (code !== 0)
    throw new Error(`Cannot run "${command} ${args.join(' ')}": it ended with ${code ?? signal}\n${output}`)
  return output
}
