import { HttpBadRequest, HttpUpgradeRequired } from '@allium/core'
import type { Request } from '@allium/core'

/** The version of the protocol, the only one there is (RFC 6455 §4.1). */
const VERSION = '13'
// 16 bytes in base64: RFC 6455 §4.2.1.
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/**
 * Whether a request asks for a WebSocket, with a handshake that can be accepted: for a route that serves both a page and a
 * WebSocket. Origin and sub-protocol are not looked at.
 *
 * @example
 * ```ts
 * import { Application, html } from '@allium/core'
 * import { canUpgrade, websocket } from '@allium/ws'
 *
 * const socket = websocket(async socket => socket.send('hello'))
 * const app = new Application()
 * app.get('/', request => (canUpgrade(request) ? socket(request) : html('<h1>A page</h1>')))
 * ```
 */
export function canUpgrade(request: Request): boolean {
  return typeof keyOf(request) === 'string'
}

/**
 * The key of a handshake that can be accepted (RFC 6455 §4.2.1), or why it is none: 426 for what is no handshake, or one of
 * another version; 400 for a broken one.
 */
export function keyOf(request: Request): string | HttpUpgradeRequired | HttpBadRequest {
  const { headers } = request
  if (!request.isUpgradable) return upgradeRequired('This address is for WebSockets')
  if (headers.get('sec-websocket-version') !== VERSION) {
    return upgradeRequired(`The version of the WebSocket protocol is not ${VERSION}`)
  }
  const key = headers.get('sec-websocket-key')
  if (key !== null && KEY.test(key)) return key
  return new HttpBadRequest('The Sec-WebSocket-Key field is missing or invalid')
}

function upgradeRequired(message: string): HttpUpgradeRequired {
  return new HttpUpgradeRequired(message, {
    headers: { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': VERSION },
  })
}
