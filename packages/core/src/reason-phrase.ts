import { STATUS_CODES } from 'node:http'

// Node still says what RFC 2616 and RFC 4918 said (RFC 9110 §15.5.14, §15.5.21).
const RENAMED: Readonly<Record<number, string>> = { 413: 'Content Too Large', 422: 'Unprocessable Content' }

/** The phrase of a status whose name in Node is out of date; `undefined` leaves it to Node. */
export function renamedPhrase(status: number): string | undefined {
  return RENAMED[status]
}

/** What RFC 9110 calls a status; `undefined` for one that nobody has named. */
export function reasonPhrase(status: number): string | undefined {
  return RENAMED[status] ?? STATUS_CODES[status]
}
