import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** After its time is up, a part has so many milliseconds to end its processes. */
const GRACE = 5000

/** What a part was asked to do. */
export interface PartStart {
  /** Its compiled module, from here. */
  readonly script: string
  readonly parameters: readonly string[]
  /** Seconds after which it is ended. */
  readonly limit: number
}

/** What came of it. */
export interface PartResult {
  readonly output: string
  /** Why it is not complete, if it is not. */
  readonly failure: string | undefined
  readonly seconds: number
}

/** Runs a part by this very Node, shows what it prints, and leaves none of its processes behind. */
export async function runPart({ script, parameters, limit }: PartStart): Promise<PartResult> {
  const start = performance.now()
  const path = fileURLToPath(new URL(script, import.meta.url))
  const part = spawn(process.execPath, [path, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group, to be ended with all that it has started
  })
  const end = (signal: NodeJS.Signals) => endGroup(part.pid!, signal)
  const endAtOnce = () => end('SIGTERM')
  process.once('exit', endAtOnce)
  const timers = [setTimeout(end, limit * 1000, 'SIGTERM'), setTimeout(end, limit * 1000 + GRACE, 'SIGKILL')]
  part.once('exit', endAtOnce)

  let output = ''
  let errors = ''
  part.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    process.stdout.write(text)
  })
  part.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
    process.stderr.write(text)
  })
  const [code] = (await once(part, 'close')) as [number | null]
  for (const timer of timers) clearTimeout(timer)
  process.off('exit', endAtOnce)

  const seconds = (performance.now() - start) / 1000
  if (code === 0) return { output, failure: undefined, seconds }
  const failure =
    seconds > limit
      ? `not done after ${formatMinutes(limit)}`
      : (/^\w*Error.*/m.exec(errors)?.[0] ?? `ended with ${code}`)
  return { output, failure, seconds }
}

/** Seconds, as minutes. */
export function formatMinutes(seconds: number): string {
  return `${(seconds / 60).toFixed(1)} minutes`
}

function endGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // none of them is left
  }
}
