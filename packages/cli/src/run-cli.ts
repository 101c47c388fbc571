import { readFileSync } from 'node:fs'
import process from 'node:process'

import { loadApp, parseAppSource } from './app-source.ts'
import { checkApp } from './check-app.ts'
import { CommandLineError, HELP, parseCommandLine } from './command-line.ts'
import type { Command } from './command-line.ts'
import { describeFailure } from './describe-failure.ts'
import { formatRoutes, formatRoutesAsJson } from './route-table.ts'
import { serveApp } from './serve-app.ts'
import { watchApp } from './watch-app.ts'

/**
 * Does what the `allium` command does, and gives its exit code: 0 done, 1 the application failed, 2 the command line is
 * wrong. Writes to standard output and error. While `serve` runs, it has the process listeners of `runApp`.
 *
 * @param args what follows the name of the command
 *
 * @example
 * ```ts
 * import { runCli } from '@allium/cli'
 *
 * process.exitCode = await runCli(['--version'])
 * ```
 */
export async function runCli(args: readonly string[]): Promise<number> {
  try {
    return await follow(parseCommandLine(args, process.env))
  } catch (error) {
    await write(process.stderr, `allium: ${describeFailure(error)}\n`)
    return error instanceof CommandLineError ? 2 : 1
  }
}

async function follow(command: Command): Promise<number> {
  switch (command.name) {
    case 'help':
      return print(HELP)
    case 'version':
      return print(`${version()}\n`)
    case 'routes': {
      const app = await loadApp(parseAppSource(command.source))
      return print((command.json ? formatRoutesAsJson : formatRoutes)(app.routes()))
    }
    case 'check':
      return checkApp(parseAppSource(command.source), command.timeout, print)
    case 'serve':
      return serveApp(command)
    case 'watch':
      return watchApp(command)
  }
}

async function print(text: string): Promise<0> {
  await write(process.stdout, text)
  return 0
}

/** Settles when the text has left: the process ends soon after, and a pipe may be slow. */
function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise(resolve => stream.write(text, () => resolve()))
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
