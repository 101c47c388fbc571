import type { Duplex } from 'node:stream'

import { ClientConnection } from './client-connection.ts'
import type { ConnectionOwner } from './client-connection.ts'

/** The connections of one client: those that are idle are used again, the last one first. */
export class ConnectionPool implements ConnectionOwner {
  readonly #connect: () => Duplex
  readonly #open = new Set<ClientConnection>()
  readonly #idle: ClientConnection[] = []

  constructor(connect: () => Duplex) {
    this.#connect = connect
  }

  /** A connection on which nothing is under way. */
  take(): ClientConnection {
    const idle = this.#idle.pop()
    if (idle) return idle
    const connection = new ClientConnection(this.#connect(), this)
    this.#open.add(connection)
    return connection
  }

  onIdle(connection: ClientConnection): void {
    if (this.#open.has(connection)) this.#idle.push(connection)
  }

  onClosed(connection: ClientConnection): void {
    this.#open.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
  }

  /** Cuts all of them. */
  destroy(): void {
    for (const connection of this.#open) connection.cut()
  }
}
