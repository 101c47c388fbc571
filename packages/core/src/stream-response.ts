import { commitResponse } from './request.ts'
import type { Request } from './request.ts'
import { Response } from './response.ts'
import type { ResponseInit } from './response.ts'
import type { ResponseSink } from './response-sink.ts'
import { UsageError } from './usage-error.ts'

/**
 * A response that the handler writes itself, piece by piece, before it returns: for what an iterable as the body of
 * a {@link Response} does not express. Its headers leave at {@link StreamResponse.prepare}, before the middlewares
 * see it again; to change headers there, use `request.onPrepare`.
 *
 * When the handler returns it, its body is ended; when the handler throws before that, the connection is cut, so
 * that the client can tell half an answer from a whole one.
 *
 * @example
 * ```ts
 * import { Application, StreamResponse } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/count', async request => {
 *   const stream = new StreamResponse({ headers: { 'content-type': 'text/plain' } })
 *   await stream.prepare(request)
 *   for (let i = 1; i <= 3; i++) await stream.write(`${i}\n`)
 *   return stream
 * })
 * ```
 */
export class StreamResponse extends Response {
  #sink: Promise<ResponseSink> | undefined

  constructor(init?: ResponseInit | undefined) {
    super(null, init)
  }

  /** Whether the headers have left, or are leaving. */
  get isPrepared(): boolean {
    return this.#sink !== undefined
  }

  /** @internal Written piece by piece: what throws it away has to know. */
  override get isStreamed(): boolean {
    return true
  }

  /**
   * Runs the prepare hooks, then sends the headers. A `content-length` among them is a promise that {@link write} and
   * {@link end} hold. Calling it again does nothing.
   *
   * @throws what a hook throws; nothing was sent then
   * @throws UsageError `ERR_RESPONSE_STATE` when the request has an answer already
   */
  async prepare(request: Request): Promise<void> {
    this.#sink ??= commitResponse(request, this).then(sink => {
      this.leaveHeaders()
      return sink
    })
    await this.#sink
  }

  /**
   * Writes text, as UTF-8, or bytes; settles when there is room for more, so awaiting it keeps memory flat. To a HEAD
   * request nothing is sent.
   *
   * @throws RequestAborted when the client has gone
   * @throws UsageError `ERR_RESPONSE_STATE` before {@link prepare} and after {@link end}, `ERR_RESPONSE_LENGTH` for more
   *   bytes than the `content-length` says
   */
  async write(piece: string | Uint8Array): Promise<void> {
    const sink = await this.#prepared('write')
    if (sink.isEnded) throw illegal('write', 'it is ended')
    await sink.write(piece)
  }

  /**
   * Ends the body; settles when the system has taken all of it. Returning the response does it too. Calling it again
   * does nothing.
   *
   * @throws RequestAborted when the client goes first
   * @throws UsageError `ERR_RESPONSE_STATE` before {@link prepare}, `ERR_RESPONSE_LENGTH` for fewer bytes than the
   *   `content-length` says
   */
  async end(): Promise<void> {
    const sink = await this.#prepared('end')
    await sink.end(this.flatTrailers)
  }

  #prepared(attempt: string): Promise<ResponseSink> {
    return this.#sink ?? Promise.reject(illegal(attempt, 'it is not prepared'))
  }
}

function illegal(attempt: string, state: string): UsageError {
  return new UsageError('ERR_RESPONSE_STATE', `Cannot ${attempt} a stream response: ${state}`)
}
