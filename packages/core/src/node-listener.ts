import type { RequestListener } from 'node:http'

import { Edge } from './edge.ts'
import type { ServedApplication } from './exchange.ts'
import { resolveLimits } from './runner-options.ts'

/** A listener for a server that somebody else has made, which hands its requests to an application. */
export function createNodeListener(app: ServedApplication): RequestListener {
  const edge = new Edge(app, resolveLimits({}), undefined, undefined)
  return (raw, response) => edge.adopt(raw, response)
}
