import type { IncomingMessage, RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'

import { Edge } from './edge.ts'
import type { ServedApplication } from './exchange.ts'
import { resolveLimits } from './runner-options.ts'

/** A listener for `upgrade` events. */
export type UpgradeListener = (raw: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Listeners for a server that somebody else has made, which hand what arrives there to an application. */
export interface NodeListeners {
  readonly request: RequestListener
  readonly upgrade: UpgradeListener
}

/** Makes the listeners for an application. */
export function createNodeListeners(app: ServedApplication): NodeListeners {
  const edge = new Edge(app, resolveLimits({}), undefined, undefined)
  return {
    request: (raw, response) => edge.adopt(raw, response),
    upgrade: (raw, socket, head) => edge.adoptUpgrade(raw, socket, head),
  }
}
