import type { Conversation } from './conversation.ts'
import type { ExchangeRecord, WireBytes } from './exchange-record.ts'
import { realNow } from './real-time.ts'
import type { Redaction } from './redaction.ts'
import type { RequestRun } from './run-log.ts'
import { describeBody, describeLayers, milliseconds, routeOf } from './run-report.ts'

/** How much of a body is shown, in characters. */
const SHOWN = 2000
/** How many errors of a chain of causes are shown. */
const CAUSES = 5

/** Writes down what clients and application have said to each other, and what the application did in between. */
export class Transcript {
  readonly #conversation: Conversation
  readonly #redaction: Redaction

  constructor(conversation: Conversation, redaction: Redaction) {
    this.#conversation = conversation
    this.#redaction = redaction
  }

  /** Everything that is remembered, oldest first. */
  get whole(): string {
    return this.#conversation.records.map(record => this.of(record)).join('\n\n')
  }

  /** One request: its bytes, its way through the application, the bytes of its response. */
  of(record: ExchangeRecord): string {
    const run = this.#conversation.runOf(record)
    return [
      headline(record),
      ...this.#message(record.sent).map(line => `> ${line}`.trimEnd()),
      ...(run ? describePath(run) : ['it has not reached the application']).map(line => `  ${line}`),
      ...this.#message(record.received).map(line => `< ${line}`.trimEnd()),
      ...(record.error ? [`  ${record.error.message.split('\n', 1)[0]}`] : []),
    ].join('\n')
  }

  #message(bytes: WireBytes): string[] {
    const lines: string[] = []
    let rest = bytes.beginning
    for (let end = rest.indexOf('\r\n\r\n'); end !== -1; end = rest.indexOf('\r\n\r\n')) {
      const head = rest.toString('latin1', 0, end).split('\r\n')
      rest = rest.subarray(end + 4)
      lines.push(...this.#redaction.head(head), '')
      if (!isInformational(head[0]!)) return [...lines, ...this.#body(rest, head, bytes.size)]
    }
    return rest.length > 0
      ? [...lines, ...this.#redaction.head(rest.toString('latin1').split('\r\n'))]
      : lines
  }

  #body(raw: Buffer, head: readonly string[], size: number): string[] {
    if (raw.length === 0) return []
    const isChunked = head.some(field => /^transfer-encoding:.*chunked/i.test(field))
    const bytes = isChunked ? joinChunks(raw) : raw
    const text = toText(bytes)
    if (text === undefined) return [`(${bytes.length} bytes that are no text)`]
    const shown = this.#redaction.body(text)
    const isAll = shown.length <= SHOWN && size <= raw.length + headLength(head)
    return (isAll ? shown : `${shown.slice(0, SHOWN)} … (${size} bytes in all)`).split('\n')
  }
}

function headline({ method, path, endedAt, sentAt, received }: ExchangeRecord): string {
  const status =
    /^HTTP\/1\.1 ([2-5]\d\d|101)/m.exec(received.beginning.toString('latin1'))?.[1] ?? 'no response'
  const target = path.split('?', 1)[0]
  if (endedAt === undefined)
    return `${method} ${target}: ${status}, not over after ${milliseconds(realNow() - sentAt)}`
  return `${method} ${target}: ${status} in ${milliseconds(endedAt)}`
}

/** Route, layers with what they took, and what went wrong. */
function describePath(run: RequestRun): string[] {
  const now = realNow() - run.arrivedAt
  const body = describeBody(run, now)
  const errors = [...errorsOf(run)].flatMap(error => describeError(error))
  return [routeOf(run), ...describeLayers(run, now), ...(body === undefined ? [] : [body]), ...errors]
}

function errorsOf({ response, layers, failures }: RequestRun): Set<unknown> {
  const thrown = layers.findLast(({ error }) => error !== undefined)?.error
  return new Set([response?.error ?? thrown, ...failures].filter(error => error !== undefined))
}

/** The stacks alone: further properties may be whole configurations, passwords included. */
function describeError(error: unknown): string[] {
  const lines: string[] = []
  let one = error
  for (let depth = 0; one instanceof Error && depth < CAUSES; depth++, one = one.cause) {
    const { status } = one as { readonly status?: unknown }
    const isAnswer = typeof status === 'number' && status < 500
    const text = isAnswer ? `${one.name}: ${one.message}` : (one.stack ?? String(one))
    lines.push(...`${depth === 0 ? '' : 'caused by: '}${text}`.split('\n'))
  }
  return lines.length > 0 ? lines : [`something was thrown that is no error: ${typeof error}`]
}

function isInformational(statusLine: string): boolean {
  return /^HTTP\/1\.1 1(?!01)/.test(statusLine)
}

function headLength(head: readonly string[]): number {
  return head.reduce((length, line) => length + line.length + 2, 2)
}

/** What there is of a chunked body, without its framing. */
function joinChunks(bytes: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let rest = bytes; rest.length > 0;) {
    const end = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.toString('latin1', 0, Math.max(end, 0)), 16)
    if (!(size > 0)) break
    chunks.push(rest.subarray(end + 2, end + 2 + size))
    rest = rest.subarray(end + 2 + size + 2)
  }
  return Buffer.concat(chunks)
}

/** As UTF-8; `undefined` for what is no text. A character that is cut off at the end may be missing. */
function toText(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    // eslint-disable-next-line no-control-regex -- that is what tells text from something else
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
