import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerOptions } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Server as SecureServer } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import type { Duplex } from 'node:stream'

import type { Edge } from './edge.ts'
import { mayUpgrade, messagesThatAsk } from './pending-upgrade.ts'
import type { RunnerLimits } from './runner-options.ts'

/** How long a TLS handshake may take, in milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000
/** How long timeouts may be overrun before somebody looks, in milliseconds. */
const CHECK_INTERVAL = 5000
/** Whether servers of this Node can be asked which upgrades they want. */
const CHOOSES_UPGRADES = 'shouldUpgradeCallback' in createServer()

/** A server of Node's in front of an edge. */
export function createNodeServer(edge: Edge, limits: RunnerLimits): Server {
  const server = createServer(serverOptions(limits))
  server.on('connection', socket => edge.open(socket))
  return connect(server, edge)
}

/** A server that does not listen: it is given its connections. */
export function createUnlistenedServer(edge: Edge, limits: RunnerLimits): Server {
  const server = createNodeServer(edge, limits)
  server.emit('listening') // what starts the checks of headersTimeout and requestTimeout; close() ends them
  return server
}

/**
 * A server that speaks TLS.
 *
 * @param handshaking holds connections for as long as they are open, also those that never finish their handshake
 */
export function createSecureServer(
  edge: Edge,
  limits: RunnerLimits,
  secure: SecureContextOptions & { readonly requestCert: boolean },
  handshaking: Set<Duplex>,
): SecureServer {
  const server = createHttpsServer({
    ...serverOptions(limits),
    ...secure,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  })
  server.on('connection', (socket: Duplex) => {
    handshaking.add(socket)
    socket.on('close', () => handshaking.delete(socket))
  })
  server.on('secureConnection', socket => edge.open(socket))
  return connect(server, edge)
}

function serverOptions(limits: RunnerLimits): ServerOptions {
  const { keepAliveTimeout, headersTimeout, requestTimeout, maxHeaderSize } = limits
  return {
    keepAliveTimeout: toNodeTimeout(keepAliveTimeout),
    headersTimeout: toNodeTimeout(headersTimeout),
    requestTimeout: toNodeTimeout(requestTimeout),
    maxHeaderSize,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL, headersTimeout),
    insecureHTTPParser: false,
    requireHostHeader: false, // the edge checks the field, and its answer passes the middlewares
    ...upgradeOptions(),
  }
}

function upgradeOptions(): UpgradeOptions {
  return CHOOSES_UPGRADES ? { shouldUpgradeCallback: mayUpgrade } : { IncomingMessage: messagesThatAsk() }
}

/** With an option that the types of the oldest Node do not know. */
interface UpgradeOptions extends ServerOptions {
  readonly shouldUpgradeCallback?: (raw: IncomingMessage) => boolean
}

function connect<Listening extends Server | SecureServer>(server: Listening, edge: Edge): Listening {
  server.maxHeadersCount = 0 // counted by the edge: Node would drop what is over the limit and say nothing
  const receive: RequestListener = (raw, response) => edge.receive(raw, response)
  server.on('request', receive).on('checkContinue', receive).on('checkExpectation', receive)
  server.on('connect', (_raw: unknown, socket: Duplex) => edge.refuseTunnel(socket))
  server.on('upgrade', (raw: IncomingMessage, socket: Duplex, head: Buffer) =>
    edge.receiveUpgrade(raw, socket, head),
  )
  server.on('clientError', (error: Error, socket: Duplex) => edge.refuseBytes(error, socket))
  return server
}

/** Node writes "for ever" as 0. */
function toNodeTimeout(milliseconds: number): number {
  return milliseconds === Infinity ? 0 : milliseconds
}
