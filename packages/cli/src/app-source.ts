import { existsSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

import { Application } from '@allium/core'

import { CommandLineError } from './command-line.ts'

/** Tried in turn where the command line names no export. */
const USUAL_EXPORTS = ['createApp', 'app', 'default']

/** Where an application comes from: `./app.ts#createApp`. */
export interface AppSource {
  /** As it was written. */
  readonly text: string
  /** The file, as an absolute path. */
  readonly file: string
  /** What the file exports it as, where that was said. */
  readonly exportName: string | undefined
}

/**
 * Reads where an application comes from.
 *
 * @throws CommandLineError when there is no such file
 */
export function parseAppSource(text: string): AppSource {
  const [path, exportName] = text.split('#', 2) as [string, string?]
  const file = resolve(path)
  if (!existsSync(file)) throw new CommandLineError(`There is no file ${file}`)
  return { text: path, file, exportName: exportName || undefined }
}

/**
 * Imports the file and makes the application.
 *
 * @throws CommandLineError for a file that Node cannot read, and for an export that is missing or no application
 * @throws whatever the file, or the function that makes the application, throws
 */
export async function loadApp(source: AppSource): Promise<Application> {
  const module = await importFile(source)
  const { name, value } = findExport(source, module)
  const app: unknown = typeof value === 'function' ? await (value as () => unknown)() : value
  if (app instanceof Application) return app
  const what =
    typeof value === 'function' ? `what ${name}() of ${source.text} gives` : `"${name}" of ${source.text}`
  throw new CommandLineError(`Cannot use ${what}: ${whyNot(app)}`)
}

async function importFile({ text, file }: AppSource): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    const { code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException> // whatever else was thrown has no such code
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') throw unreadable(text, file)
    if (code === 'ERR_MODULE_NOT_FOUND') {
      throw new CommandLineError(`Cannot load ${text}: ${message?.split('\n', 1)[0]}`)
    }
    throw error
  }
}

function unreadable(text: string, file: string): CommandLineError {
  if (!/^\.[cm]?ts$/.test(extname(file)))
    return new CommandLineError(`Cannot load ${text}: Node knows no such type of file`)
  return new CommandLineError(
    `Cannot load ${text}: Node ${process.versions.node} does not read TypeScript. Use Node 22.18 or newer, ` +
      'or name the compiled .js file, or add a loader: NODE_OPTIONS="--import tsx" allium …',
  )
}

function findExport(
  { text, exportName }: AppSource,
  module: Readonly<Record<string, unknown>>,
): { name: string; value: unknown } {
  const name = exportName ?? USUAL_EXPORTS.find(usual => Object.hasOwn(module, usual))
  if (name !== undefined && Object.hasOwn(module, name)) return { name, value: module[name] }
  const names = Object.keys(module).map(one => `"${one}"`)
  const found = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  throw new CommandLineError(
    name === undefined
      ? `Cannot tell what to use of ${text}: ${found}; name it: ${text}#name`
      : `Cannot find "${name}" in ${text}: ${found}`,
  )
}

function whyNot(value: unknown): string {
  if (typeof value === 'object' && value !== null && value.constructor.name === 'Application')
    return 'it was made by another copy of @allium/core than the one beside @allium/cli'
  return value === null || typeof value !== 'object'
    ? `it is ${String(value)}`
    : 'it is an object, but no Application'
}
