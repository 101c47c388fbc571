/** Why a request ended before its answer was complete. */
export type AbortCause = 'client gone' | 'timeout' | 'shutdown' | 'answered'

/**
 * The `reason` of a request's `AbortSignal`.
 *
 * @example
 * ```ts
 * import { Application, RequestAborted, text } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/report', async request => {
 *   request.signal.addEventListener('abort', () => {
 *     const reason: unknown = request.signal.reason
 *     if (reason instanceof RequestAborted) console.log(reason.abortCause)
 *   })
 *   return text('…')
 * })
 * ```
 */
export class RequestAborted extends Error {
  /** Who or what ended it. */
  readonly abortCause: AbortCause

  constructor(abortCause: AbortCause) {
    super(MESSAGES[abortCause])
    this.name = 'AbortError' // what libraries that take an AbortSignal look for
    this.abortCause = abortCause
  }
}

const MESSAGES: Record<AbortCause, string> = {
  'client gone': 'The client closed the connection before the answer was complete',
  timeout: 'The request took longer than its time limit',
  shutdown: 'The server is shutting down',
  answered: 'The answer is complete: a HEAD request wants no body',
}
