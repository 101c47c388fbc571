import { request as sendRequest } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { Readable } from 'node:stream'

import { Edge } from './edge.ts'
import type { ServedApplication } from './exchange.ts'
import { memorySocketPair } from './memory-socket.ts'
import type { MemorySocket } from './memory-socket.ts'
import { createUnlistenedServer } from './node-server.ts'
import { resolveLimits } from './runner-options.ts'

// A Response of these carries no body, and refuses an empty one too (Fetch §6.2).
const NULL_BODY = new Set([101, 103, 204, 205, 304])

/**
 * Answers Fetch requests with an application, over an in-memory connection for each: through the same parser, limits
 * and edge as from a network.
 */
export class AppFetch {
  readonly #server: Server

  constructor(app: ServedApplication) {
    const limits = resolveLimits({})
    this.#server = createUnlistenedServer(new Edge(app, limits, undefined, undefined), limits)
  }

  /**
   * Answers one request.
   *
   * @throws the reason of the request's AbortSignal when that fires before the response has begun
   */
  async fetch(request: globalThis.Request): Promise<globalThis.Response> {
    const raw = await this.#send(request)
    const headers = new globalThis.Headers()
    for (let i = 0; i < raw.rawHeaders.length; i += 2)
      headers.append(raw.rawHeaders[i]!, raw.rawHeaders[i + 1]!)
    const status = raw.statusCode!
    const hasBody = !NULL_BODY.has(status) && request.method !== 'HEAD'
    if (!hasBody) raw.resume()
    const body = hasBody ? Readable.toWeb(raw) : null
    return new globalThis.Response(body, { status, statusText: raw.statusMessage ?? '', headers })
  }

  #send(request: globalThis.Request): Promise<IncomingMessage> {
    const { pathname, search, host } = new URL(request.url)
    // A Fetch response cannot carry a connection: to ask for another protocol means nothing here.
    const headers = [...request.headers].filter(([name]) => name !== 'upgrade')
    if (!request.headers.has('host')) headers.unshift(['host', host])
    const sent = sendRequest({
      method: request.method,
      path: pathname + search,
      headers: headers.flat(),
      setHost: false,
      createConnection: () => this.#connect(),
    })
    return new Promise((resolve, reject) => {
      const abort = () => sent.destroy(request.signal.reason as Error)
      request.signal.addEventListener('abort', abort)
      sent.on('error', reject).on('response', resolve)
      sent.on('close', () => request.signal.removeEventListener('abort', abort))
      if (request.signal.aborted) abort()
      if (!request.body) return void sent.end()
      const body = Readable.fromWeb(request.body)
      body.on('error', error => sent.destroy(error)).pipe(sent)
    })
  }

  #connect(): MemorySocket {
    const pair = memorySocketPair()
    this.#server.emit('connection', pair.server)
    return pair.client
  }
}
