import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Test } from 'tap'

const bin = fileURLToPath(new URL('../bin.js', import.meta.url))

/** Writes the files of a program into a folder of its own, where `@allium/core` is found. */
export function writeProgram(t: Test, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(dirname(bin), 'test/program-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** Runs the command in a process of its own. `printed` waits for a text, `exit` for the end. */
export function allium(
  t: Test,
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
) {
  const inherited = { ...process.env, PORT: undefined, ALLIUM_DEBUG: undefined, NODE_ENV: undefined }
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = new Promise<number | null>(resolve => child.on('close', resolve))
  t.teardown(async () => {
    child.kill()
    await exit
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => (output.stdout += String(chunk)))
  child.stderr.on('data', chunk => (output.stderr += String(chunk)))
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output.stdout + output.stderr)
        if (match) resolve(match)
      }
      for (const stream of [child.stdout, child.stderr]) stream.on('data', look)
      child.on('close', () =>
        reject(new Error(`${pattern} was not printed, but: ${output.stdout}${output.stderr}`)),
      )
      look()
    })
  const url = async () => (await printed(/Listening on (http:\/\/[^\s,]+)/))[1]!
  return { child, exit, printed, url, output }
}
