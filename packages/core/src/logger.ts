import process from 'node:process'

import { describe } from './describe.ts'

/**
 * What Allium asks of a logger: four levels called with an object of fields and a message, the shape of pino.
 * Any pino instance fits. A logger that throws is the program's own fault and is not guarded against here.
 */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(fields: object, message: string): void
  /** The normal course of things. */
  info(fields: object, message: string): void
  /** Something that should not be, and serving goes on. */
  warn(fields: object, message: string): void
  /** A failure; the error itself is the field `err`. */
  error(fields: object, message: string): void
}

/** Severity of a line, lowest first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

const SEVERITY: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 }
// C0, DEL and C1: a request must not be able to forge a line or to drive a terminal. Tab and newline are
// kept out of single values too; stacks are indented line by line instead.
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/**
 * The logger of an application that was given none: one readable line per entry on standard error, with an
 * error's stack indented below it. Control characters in values are escaped, so that no request can forge a line.
 *
 * @param level the least severe level that is written; default `'info'`
 * @param write where the text goes, by default standard error
 */
export function createLogger(
  level: LogLevel = 'info',
  write: (text: string) => void = writeToStderr,
): Logger {
  const log = (at: LogLevel) =>
    SEVERITY[at] < SEVERITY[level]
      ? () => {}
      : (fields: object, message: string) => write(formatLine(at, fields, message))

  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** Writes control characters as `\xNN` or `\uNNNN`, so that a value cannot break out of its log line. */
export function escapeControlCharacters(text: string): string {
  return text.replace(CONTROL_CHARACTERS, character => {
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })
}

function writeToStderr(text: string): void {
  process.stderr.write(text)
}

function formatLine(level: LogLevel, fields: object, message: string): string {
  const errors: unknown[] = []
  let line = `${new Date().toISOString()} ${level.toUpperCase()} ${escapeControlCharacters(message)}`
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'err') errors.push(value)
    else if (value !== undefined) line += ` ${name}=${formatValue(value)}`
  }
  return line + errors.map(error => `\n${formatError(error)}`).join('') + '\n'
}

function formatValue(value: unknown): string {
  if (typeof value !== 'string') return escapeControlCharacters(describe(value))
  const text = escapeControlCharacters(value)
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text
}

function formatError(error: unknown): string {
  const lines = describe(error).split('\n')
  return lines.map(line => `    ${escapeControlCharacters(line)}`).join('\n')
}
