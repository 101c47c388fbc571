import type { Request } from './request.ts'
import { Response } from './response.ts'

/**
 * The answer to a request whose connection changes its protocol: what `@allium/ws` makes its WebSockets of. Middlewares see
 * it as they see any response, with status 101; its header fields and cookies are on the 101.
 */
export abstract class UpgradeResponse extends Response {
  /** Always 101. */
  override get status(): number {
    return 101
  }

  /** @throws RangeError always: what was upgraded is not to be answered in another way */
  override set status(status: number) {
    throw new RangeError(`Cannot set response status ${status}: the connection changes its protocol`)
  }

  /** @internal It owns a connection: what throws it away has to know. */
  override get isStreamed(): boolean {
    return true
  }

  /**
   * Takes the connection by `request.upgrade(this)` and converses over it; called once the onion has unwound, for a response
   * that has not taken it from inside the handler.
   *
   * @throws what makes it impossible, before the 101: an `HttpError` is answered as usual
   */
  abstract begin(request: Request): Promise<void>

  /**
   * Called once when the request is aborted, by {@link Request.abort} or because the client has gone or the server stops: from
   * the moment it has taken the connection on, at once where that was before. Does nothing unless it is overridden.
   */
  abort(_reason: Error): void {}

  /**
   * Called when there is nothing more to say: ends the conversation. Settles when the connection is over, or nearly.
   *
   * @param failure what the handler threw, or what came out of the onion instead of this; `undefined` when all went well
   */
  abstract conclude(failure: unknown): Promise<void>
}
