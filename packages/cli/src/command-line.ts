import { parseArgs } from 'node:util'

/** What was asked for on the command line. */
export type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'routes'; readonly source: string; readonly json: boolean }
  | { readonly name: 'check'; readonly source: string; readonly timeout: number }
  | ({ readonly name: 'serve' } & ServeCommand)
  | ({ readonly name: 'watch' } & WatchCommand)

/** What `allium serve` is asked to do. */
export interface ServeCommand {
  readonly source: string
  readonly host: string | undefined
  readonly port: number | undefined
  /** A unix socket, instead of host and port. */
  readonly path: string | undefined
  readonly workers: number | 'auto' | undefined
  readonly accessLog: AccessLogFormat
  /** In milliseconds. */
  readonly shutdownTimeout: number | undefined
}

/** What `allium serve --watch` is asked to do. */
export interface WatchCommand extends Omit<ServeCommand, 'path' | 'workers'> {
  /** Files and folders to watch, besides the modules of the package. */
  readonly extra: readonly string[]
}

/** How requests are logged. */
export type AccessLogFormat = 'text' | 'json' | 'none'

/** The command line cannot be followed: one line says why. */
export class CommandLineError extends Error {
  constructor(message: string) {
    super(message)
    this.stack = message // nowhere in the program is anything wrong
  }
}

/** What `allium --help` prints. */
export const HELP = `Usage: allium <command> <file>[#<export>] [options]

Commands
  serve    serves the application until SIGINT or SIGTERM
  routes   lists its routes
  check    builds it, starts it and stops it without listening

The export is an application, or a function that makes one; without a name it is the first of
createApp, app and default that the file has.

Options of serve
  --host <address>            default: every interface; with --watch 127.0.0.1
  --port <number>             default: the variable PORT, or 8080
  --path <file>               a unix socket instead
  --workers <number>|auto     default 1
  --access-log text|json|none default none; with --watch text
  --shutdown-timeout <ms>     default 25000; with --watch 2000
  --watch                     restarts on change, shows errors in the browser, in debug mode
  --watch-path <path>         a further file or folder to watch; may be repeated

Options of routes
  --json                      one JSON array instead of a table

Options of check
  --timeout <ms>              how long it may take; default 30000

  --help, --version

Exit codes: 0 done, 1 the application failed, 2 the command line is wrong
`

const OPTIONS = {
  serve: {
    host: { type: 'string' },
    port: { type: 'string' },
    path: { type: 'string' },
    workers: { type: 'string' },
    'access-log': { type: 'string' },
    'shutdown-timeout': { type: 'string' },
    watch: { type: 'boolean' },
    'watch-path': { type: 'string', multiple: true },
  },
  routes: { json: { type: 'boolean' } },
  check: { timeout: { type: 'string' } },
} as const

type CommandName = keyof typeof OPTIONS
/** The values of all options, whichever of them a command takes. */
interface Values {
  readonly host?: string
  readonly port?: string
  readonly path?: string
  readonly workers?: string
  readonly 'access-log'?: string
  readonly 'shutdown-timeout'?: string
  readonly watch?: boolean
  readonly 'watch-path'?: string[]
  readonly json?: boolean
  readonly timeout?: string
}

/**
 * Reads a command line.
 *
 * @param env where `PORT` is looked up
 * @throws CommandLineError
 */
export function parseCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  if (args.includes('--help') || args.includes('-h') || args[0] === 'help') return { name: 'help' }
  if (args.includes('--version')) return { name: 'version' }
  const [name, ...rest] = args
  if (name === undefined) throw new CommandLineError('No command was given: see allium --help')
  if (!isCommandName(name)) throw new CommandLineError(`There is no command "${name}": see allium --help`)

  const { values, source } = parseRest(name, rest)
  if (name === 'routes') return { name, source, json: values.json ?? false }
  if (name === 'check') return { name, source, timeout: toNumber(values, 'timeout', 1) ?? 30_000 }
  return toServe(source, values, env)
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(OPTIONS, name)
}

function parseRest(name: CommandName, args: readonly string[]): { values: Values; source: string } {
  try {
    const parsed = parseArgs({ args: [...args], options: OPTIONS[name], allowPositionals: true })
    const [source, ...superfluous] = parsed.positionals
    if (source === undefined) throw new CommandLineError(`allium ${name} needs a file: ./app.ts#createApp`)
    if (superfluous.length > 0)
      throw new CommandLineError(`allium ${name} takes one file, not also "${superfluous.join(' ')}"`)
    return { values: parsed.values as Values, source } // as OPTIONS says, which the type of all its parts together does not
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const [problem] = error.message.split('. ') // what follows is advice on how to escape
    throw new CommandLineError(`${problem}: see allium --help`)
  }
}

function toServe(source: string, values: Values, env: Readonly<Record<string, string | undefined>>): Command {
  const { host, path, watch, workers } = values
  const port = toNumber(values, 'port', 0, 65_535) ?? portOf(env)
  const shutdownTimeout = toNumber(values, 'shutdown-timeout', 0)
  if (path !== undefined && (host ?? values.port) !== undefined)
    throw contradiction('--path', '--host and --port')
  if (!watch) {
    if (values['watch-path']) throw new CommandLineError('--watch-path needs --watch')
    const accessLog = toFormat(values['access-log'] ?? 'none')
    return {
      name: 'serve',
      source,
      host,
      port,
      path,
      workers: toWorkers(workers),
      accessLog,
      shutdownTimeout,
    }
  }
  if (workers !== undefined) throw contradiction('--watch', '--workers')
  if (path !== undefined) throw contradiction('--watch', '--path')
  const accessLog = toFormat(values['access-log'] ?? 'text')
  return { name: 'watch', source, host, port, accessLog, shutdownTimeout, extra: values['watch-path'] ?? [] }
}

function contradiction(one: string, other: string): CommandLineError {
  return new CommandLineError(`${one} does not go with ${other}`)
}

function portOf({ PORT }: Readonly<Record<string, string | undefined>>): number | undefined {
  return PORT === undefined || PORT === '' ? undefined : wholeNumber('The variable PORT', PORT, 0, 65_535)
}

function toNumber(
  values: Values,
  option: 'port' | 'timeout' | 'shutdown-timeout',
  least: number,
  most: number = 2 ** 31 - 1,
): number | undefined {
  const text = values[option]
  return text === undefined ? undefined : wholeNumber(`--${option}`, text, least, most)
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new CommandLineError(`${name} is a whole number from ${least} to ${most}, not "${text}"`)
}

function toWorkers(text: string | undefined): number | 'auto' | undefined {
  if (text === undefined || text === 'auto') return text
  return wholeNumber('--workers', text, 1, 1024)
}

function toFormat(text: string): AccessLogFormat {
  if (text === 'text' || text === 'json' || text === 'none') return text
  throw new CommandLineError(`--access-log is text, json or none, not "${text}"`)
}
