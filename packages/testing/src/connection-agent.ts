import { Agent } from 'node:http'
import type { Duplex } from 'node:stream'

/** Keeps connections alive as any agent does, but opens them its own way, whatever host a request names. */
export class ConnectionAgent extends Agent {
  readonly #connect: () => Duplex

  constructor(connect: () => Duplex) {
    super({ keepAlive: true })
    this.#connect = connect
  }

  override createConnection(): Duplex {
    return this.#connect()
  }
}
