/**
 * Something was to be sent or received when the WebSocket was closed, or closing. A handler may let it pass: its WebSocket is
 * over, and nothing is logged.
 *
 * @example
 * ```ts
 * import { websocket, WebSocketClosed } from '@allium/ws'
 *
 * const hello = websocket(async socket => {
 *   try {
 *     await socket.send('hello')
 *   } catch (error) {
 *     if (error instanceof WebSocketClosed) console.log(error.closeCode, error.closeReason)
 *   }
 * })
 * console.log(typeof hello)
 * ```
 */
export class WebSocketClosed extends Error {
  /** The code that it was closed with: 1006 when the connection broke, 1005 when the client gave none. */
  readonly closeCode: number
  /** The reason that came with it, mostly empty. */
  readonly closeReason: string

  constructor(closeCode: number, closeReason: string, options?: ErrorOptions) {
    super(`The WebSocket is closed: ${closeCode}${closeReason && ` ${closeReason}`}`, options)
    this.name = 'WebSocketClosed'
    this.closeCode = closeCode
    this.closeReason = closeReason
  }
}
