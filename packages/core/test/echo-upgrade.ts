import { once } from 'node:events'

import { UpgradeResponse } from '@allium/core'
import type { Request, UpgradedConnection } from '@allium/core'

const ASK = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'

/** The head of a request that asks for an upgrade; `more` are lines of its own. */
export function askFor(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${ASK}${more}\r\n`
}

/** Sends back what comes, until the client or the handler has enough. */
export class Echo extends UpgradeResponse {
  failure: unknown = 'none'
  #connection: UpgradedConnection | undefined

  override async begin(request: Request): Promise<void> {
    this.#connection = await request.upgrade(this)
    const { socket, head, headers } = this.#connection
    let fields = ''
    for (let i = 0; i < headers.length; i += 2) fields += `${headers[i]}: ${headers[i + 1]}\r\n`
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${ASK}${fields}\r\n`)
    socket.unshift(head)
    socket.on('data', piece => socket.write(piece)).on('end', () => socket.end())
    socket.resume()
    const left = request.signal.aborted || once(request.signal, 'abort')
    await left
  }

  override async conclude(failure: unknown): Promise<void> {
    this.failure = failure
    this.#connection?.socket.end()
  }
}
