import { HttpBadRequest, HttpForbidden, RequestAborted } from '@allium/core'
import type { Request, UpgradedConnection } from '@allium/core'

import { compileOriginRule } from './allowed-origins.ts'
import type { OriginTest } from './allowed-origins.ts'
import { keyOf } from './handshake-check.ts'
import { toLimits } from './websocket-options.ts'
import type { WebSocketLimits, WebSocketOptions } from './websocket-options.ts'
import { parseProtocols, WsServer } from './ws-server.ts'
import type { RawWebSocket } from './ws-server.ts'

/** What a handshake that was accepted has agreed on. */
export interface Agreement {
  readonly key: string
  readonly protocol: string | undefined
  readonly extensions: string | undefined
}

/** Token of RFC 9110 §5.6.2, which a sub-protocol is. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Fields of the 101 that are the handshake's own. */
const OWN_FIELDS = /^(?:connection|upgrade|transfer-encoding|content-length|sec-websocket-.*)$/i

/** Decides which handshakes are accepted, and completes them: made once of options, used for every WebSocket of a route. */
export class Handshake {
  readonly limits: WebSocketLimits
  readonly #protocols: readonly string[]
  readonly #isAllowed: OriginTest
  readonly #server: WsServer

  /** @throws RangeError or TypeError for options that cannot be meant */
  constructor(options: WebSocketOptions) {
    const { perMessageDeflate, protocols = [] } = options
    const odd = protocols.find(protocol => !TOKEN.test(protocol))
    if (odd !== undefined) throw new TypeError(`Cannot speak sub-protocol "${odd}": it is no token`)
    this.limits = toLimits(options)
    this.#protocols = protocols
    this.#isAllowed = compileOriginRule(options.allowedOrigins ?? 'same-origin')
    const deflate = perMessageDeflate === true ? {} : perMessageDeflate || undefined
    this.#server = new WsServer(this.limits, deflate)
  }

  /**
   * Looks at what a client asks for (RFC 6455 §4.2.1).
   *
   * @throws HttpUpgradeRequired, HttpBadRequest or HttpForbidden when it cannot be had
   */
  async check(request: Request): Promise<Agreement> {
    const key = keyOf(request)
    if (typeof key !== 'string') throw key
    await this.#checkOrigin(request)
    const { headers } = request
    const protocol = readField('Sec-WebSocket-Protocol', () =>
      this.#choose(headers.get('sec-websocket-protocol')),
    )
    const extensions = readField('Sec-WebSocket-Extensions', () =>
      this.#server.acceptable(headers.get('sec-websocket-extensions')),
    )
    return { key, protocol, extensions }
  }

  /**
   * Writes the 101; the socket is paused still.
   *
   * @throws RequestAborted when the client has gone
   */
  complete({ socket, head, headers }: UpgradedConnection, agreement: Agreement): RawWebSocket {
    const { key, extensions, protocol } = agreement
    const lines = protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]
    headers.forEach((name, i) => {
      if (i % 2 === 0 && !OWN_FIELDS.test(name)) lines.push(`${name}: ${headers[i + 1]}`)
    })
    const webSocket = this.#server.open({ socket, head, key, extensions, lines })
    if (!webSocket) throw new RequestAborted('client gone')
    return webSocket
  }

  async #checkOrigin(request: Request): Promise<void> {
    const origin = request.headers.get('origin')
    if (origin === null || (await this.#isAllowed(origin, request))) return
    request.app.logger.warn(
      { origin, host: request.host, path: request.rawPath },
      'A WebSocket was refused to a page of another origin: see the options "allowedOrigins" and "trustProxy"',
    )
    throw new HttpForbidden('WebSockets may not be opened from this origin')
  }

  #choose(header: string | null): string | undefined {
    if (header === null) return undefined
    for (const protocol of parseProtocols(header)) if (this.#protocols.includes(protocol)) return protocol
    return undefined
  }
}

function readField<Value>(name: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    throw new HttpBadRequest(`The ${name} field is invalid`, { cause })
  }
}
