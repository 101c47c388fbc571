import type { AnyParams, Request } from '@allium/core'

import { Handshake } from './handshake.ts'
import type { WebSocketOptions } from './websocket-options.ts'
import { converseLater } from './websocket-response.ts'
import type { Conversation, WebSocketResponse } from './websocket-response.ts'

/**
 * Makes a handler of a function that converses over a WebSocket. Handshakes that are refused (403 for another origin, 426 for
 * what is no handshake, 400 for a broken one) are ordinary answers, which middlewares see. The function begins once the onion
 * has unwound and the 101 was sent; the WebSocket is closed when it returns or throws.
 *
 * @throws RangeError or TypeError for options that cannot be meant
 *
 * @example
 * ```ts
 * import { Application } from '@allium/core'
 * import { websocket } from '@allium/ws'
 *
 * const app = new Application()
 * app.get(
 *   '/rooms/:room',
 *   websocket(async (socket, request) => {
 *     await socket.sendJson({ room: request.params.room })
 *     for await (const message of socket) await socket.send(message.text().toUpperCase())
 *   }),
 * )
 * ```
 */
export function websocket<Params = AnyParams>(
  converse: Conversation<Params>,
  options: WebSocketOptions = {},
): (request: Request<Params>) => Promise<WebSocketResponse> {
  const handshake = new Handshake(options)
  return async request => converseLater(handshake, await handshake.check(request as Request), converse)
}
