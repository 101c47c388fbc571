import { join } from 'node:path'
import { run } from './run.ts'
import { root } from './workspace.ts'

const timeLimit = 20_000 // ms, for a script to run to its end

/** Runs a script to its end. Answers what went wrong, with all that it printed, or `undefined`. */
export async function runScript(script: string): Promise<string | undefined> {
  const { code, signal, output } = await run(process.execPath, [script], {
    timeout: timeLimit,
    killSignal: 'SIGKILL',
  })
  return code === 0 ? undefined : `ended with ${code ?? signal}\n${output.trimEnd()}`
}

/** Like {@link runScript} for one that serves: on a free port, and stopped by SIGTERM once it printed its URL. */
export async function serve(script: string): Promise<string | undefined> {
  let stopped = false
  const preload = join(root, 'scripts/dist/free-port.js')
  const { code, signal, output } = await run(process.execPath, ['--import', preload, script], {
    timeout: timeLimit,
    killSignal: 'SIGKILL',
    onOutput: (child, printed) => {
      if (!stopped && /https?:\/\//.test(printed)) stopped = child.kill('SIGTERM')
    },
  })
  if (code === 0 && stopped) return undefined
  return `${stopped ? '' : 'printed no URL and '}ended with ${code ?? signal}\n${output.trimEnd()}`
}
