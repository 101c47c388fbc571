import { spawn } from 'node:child_process'
import process from 'node:process'

import type { Test } from 'tap'

/** Runs a fixture in a process of its own until the test is over. `printed` waits for a text, `exit` for the end. */
export function runFixture(t: Test, script: string, args: readonly string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  const exit = new Promise<number | null>(resolve => child.on('close', resolve))
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output)
        if (match) resolve(match)
      }
      for (const stream of [child.stdout, child.stderr]) stream.on('data', look)
      child.on('close', () => reject(new Error(`${pattern} was not printed, but: ${output}`)))
      look()
    })
  const url = async () => (await printed(/Listening on (\S+)/))[1]!
  return { child, exit, printed, url, output: () => output }
}
