/** What a WebSocket can be closed with, by the names of RFC 6455 §7.4.1 and the IANA registry. */
export const CloseCode = {
  /** All is done. */
  normal: 1000,
  /** The server stops, or the page is left. */
  goingAway: 1001,
  /** The other end broke the protocol. */
  protocolError: 1002,
  /** Text where bytes were wanted, or the other way round. */
  unsupportedData: 1003,
  /** Read only: the other end closed without a code. */
  noStatus: 1005,
  /** Read only: the connection broke without a word. */
  abnormal: 1006,
  /** The content of a message is not what it has to be. */
  invalidPayload: 1007,
  /** The other end is not allowed to do this, or not any more. */
  policyViolation: 1008,
  /** The message is larger than what is read. */
  messageTooBig: 1009,
  /** The server failed. */
  internalError: 1011,
  /** The server restarts. */
  serviceRestart: 1012,
  /** The server has too much to do: later. */
  tryAgainLater: 1013,
} as const

/** How many bytes a reason may have: a control frame has 125, two are the code (RFC 6455 §5.5.1). */
const MAX_REASON = 123

/**
 * @throws RangeError for a code that must not be sent (RFC 6455 §7.4), or a reason of more than 123 bytes
 * @throws TypeError for a reason that is no text: what is sent is never memory of something else
 */
export function assertClosing(code: number, reason: string): void {
  if (!isSendable(code)) {
    throw new RangeError(
      `Cannot close a WebSocket with ${code}: codes are 1000 to 1003, 1007 to 1014, 3000 to 4999`,
    )
  }
  if (typeof reason !== 'string') throw new TypeError('Cannot close a WebSocket: the reason is no text')
  if (Buffer.byteLength(reason) > MAX_REASON) {
    throw new RangeError(`Cannot close a WebSocket: the reason has more than ${MAX_REASON} bytes`)
  }
}

/** Whether a code may stand in a close frame. */
export function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
}

/** As much of a text as fits into a close frame, without half characters. */
export function toReason(text: string): string {
  if (Buffer.byteLength(text) <= MAX_REASON) return text
  const bytes = Buffer.from(text).subarray(0, MAX_REASON - 3)
  return `${bytes.toString().replace(/\ufffd+$/, '')}…`
}
