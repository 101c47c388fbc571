import process from 'node:process'

import { escapeControlCharacters } from './logger.ts'

/** One request as the access log sees it: when its answer has left, or its client. */
export interface AccessEntry {
  /** Address of the peer, of the client under `trustProxy`; `undefined` on a unix socket. */
  readonly remote: string | undefined
  /** When the request had arrived, in milliseconds since 1970. */
  readonly startedAt: number
  /** How long the answer took, in milliseconds. */
  readonly duration: number
  /** Method. */
  readonly method: string
  /** The request target as it was sent, query included. */
  readonly target: string
  /** `1.1` or `1.0`. */
  readonly httpVersion: string
  /** The pattern of the route that matched, `undefined` for a 404 or 405. */
  readonly route: string | undefined
  /** Status code of the answer; 499 when the client left before there was one. */
  readonly status: number
  /** Bytes of body that were written. */
  readonly bytes: number
  /** Whether the client left before it had the whole answer. */
  readonly aborted: boolean
  /** A header field of the request. */
  readonly requestHeader: (name: string) => string | undefined
  /** A header field of the response, as middlewares have left it. */
  readonly responseHeader: (name: string) => string | undefined
}

/**
 * Is given every request that was served, at the edge of the server, when its answer has left. What it throws is
 * ignored.
 */
export type AccessLog = (entry: AccessEntry) => void

/** The default format of {@link accessLogText}, which is that of aiohttp and nearly Apache's "combined". */
export const ACCESS_FORMAT = '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"'

/** What JSON leaves as it is although it drives terminals, or ends lines for some who read them. */
const UNESCAPED = /[\u007f-\u009f\u2028\u2029]/g

type Atom = (entry: AccessEntry) => string | number | undefined

const ATOMS: Readonly<Record<string, Atom>> = {
  a: ({ remote }) => remote,
  t: ({ startedAt }) => `[${new Date(startedAt).toISOString()}]`,
  P: () => process.pid,
  r: ({ method, target, httpVersion }) => `${method} ${target} HTTP/${httpVersion}`,
  s: ({ status }) => status,
  b: ({ bytes }) => bytes,
  T: ({ duration }) => Math.round(duration / 1000),
  Tf: ({ duration }) => (duration / 1000).toFixed(6),
  D: ({ duration }) => Math.round(duration * 1000),
  R: ({ route }) => route,
}

/**
 * An access log of one line of text for each request. Quotes, backslashes and control characters in values are
 * escaped, so that no request can forge a line. The format takes `%a` remote address, `%t` time of arrival, `%P`
 * process id, `%r` request line, `%s` status, `%b` bytes of body, `%T`, `%Tf` and `%D` seconds, fractional seconds and
 * microseconds that it took, `%R` the route's pattern, `%{Name}i` and `%{Name}o` a header field of request and response,
 * and `%%`. What is missing is `-`.
 *
 * @param write gets each line, with its newline; default: standard output
 * @throws TypeError for a format with anything else after a `%`
 *
 * @example
 * ```ts
 * import { accessLogText, Application, AppRunner, text } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/', () => text('hello'))
 *
 * await using runner = new AppRunner(app, { accessLog: accessLogText('%a "%r" %s %Tf') })
 * await runner.startup()
 * const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })
 * await fetch(url)
 * ```
 */
export function accessLogText(
  format: string = ACCESS_FORMAT,
  write: (line: string) => void = writeToStdout,
): AccessLog {
  const parts = parseFormat(format)
  return entry => write(`${parts.map(part => (typeof part === 'string' ? part : part(entry))).join('')}\n`)
}

/**
 * An access log of one JSON object in a line for each request.
 *
 * @param write gets each line, with its newline; default: standard output
 */
export function accessLogJson(write: (line: string) => void = writeToStdout): AccessLog {
  return entry => {
    const { startedAt, duration, ...rest } = entry
    const time = new Date(startedAt).toISOString()
    const line = JSON.stringify({ time, ...rest, duration: Number(duration.toFixed(3)) })
    write(`${line.replace(UNESCAPED, toEscape)}\n`)
  }
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function parseFormat(format: string): (string | Atom)[] {
  const parts: (string | Atom)[] = []
  const token = /%(?:(%)|\{([^{}]+)\}([io])|(Tf|[atPrsbTDR]))|[^%]+|%/gy
  for (const match of format.matchAll(token)) {
    const [text, percent, header, side, atom] = match
    if (percent !== undefined) parts.push('%')
    else if (header !== undefined) parts.push(shown(headerAtom(header, side!)))
    else if (atom !== undefined) parts.push(shown(ATOMS[atom]!))
    else if (text === '%')
      throw new TypeError(`Cannot use the access log format "${format}": it has an unknown % in it`)
    else parts.push(text)
  }
  return parts
}

function headerAtom(name: string, side: string): Atom {
  return side === 'i' ? entry => entry.requestHeader(name) : entry => entry.responseHeader(name)
}

function shown(atom: Atom): Atom {
  return entry => escapeControlCharacters(String(atom(entry) ?? '-').replace(/["\\]/g, '\\$&'))
}

function writeToStdout(line: string): void {
  process.stdout.write(line)
}
