/** One event of an event stream; every field may be left out. */
export interface ServerSentEvent {
  /** What the client gets as the event's `data`: text as it is, line breaks included; anything else as JSON. */
  readonly data?: unknown
  /** The type that clients listen for; without one it is a `message`. */
  readonly event?: string | undefined
  /** What a client sends back as `Last-Event-ID` when it reconnects; `''` clears what it remembers. */
  readonly id?: string | undefined
  /** How long the client waits before it reconnects, in milliseconds. */
  readonly retry?: number | undefined
  /** Text that clients ignore. */
  readonly comment?: string | undefined
}

const LINE_BREAK = /\r\n|\r|\n/

/**
 * An event as it travels (WHATWG HTML §9.2.6). Line breaks in `data` and `comment` begin a new line of the same field,
 * so that nothing in a value can become a field or an event of its own (P48).
 *
 * @throws TypeError for a line break in `event` or `id`, for NUL in `id`, for data that JSON cannot express
 * @throws RangeError for a `retry` that is not a whole number of milliseconds
 */
export function encodeEvent(event: ServerSentEvent | string): string {
  const { data, event: type, id, retry, comment } = typeof event === 'string' ? { data: event } : event
  let text = ''
  if (comment !== undefined) text += inLines('', comment)
  if (id !== undefined) text += `id: ${inOneLine('id', id)}\n`
  if (type !== undefined) text += `event: ${inOneLine('event', type)}\n`
  if (retry !== undefined) text += `retry: ${wholeNumber(retry)}\n`
  if (data !== undefined) text += inLines('data', typeof data === 'string' ? data : toJson(data))
  return `${text}\n`
}

function inLines(field: string, value: string): string {
  if (!LINE_BREAK.test(value)) return `${field}: ${value}\n`
  return value
    .split(LINE_BREAK)
    .map(line => `${field}: ${line}\n`)
    .join('')
}

function inOneLine(field: string, value: string): string {
  // A client ignores an id with NUL altogether, and would then resume at the wrong place.
  if (!LINE_BREAK.test(value) && !(field === 'id' && value.includes('\0'))) return value
  throw new TypeError(`Cannot send an event: its ${field} holds a line break or NUL`)
}

function wholeNumber(retry: number): number {
  if (Number.isSafeInteger(retry) && retry >= 0) return retry
  throw new RangeError(`Cannot send an event: retry is ${retry}, not a whole number of milliseconds`)
}

function toJson(data: unknown): string {
  const text = JSON.stringify(data) as string | undefined
  if (text === undefined) throw new TypeError(`Cannot send an event: its data is a ${typeof data}`)
  return text
}
