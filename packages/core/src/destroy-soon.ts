import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Closes a connection behind what was written. One that is no socket of Node's is ended, as Node's own server does. */
export function destroySoon(connection: Duplex & Partial<Pick<Socket, 'destroySoon'>>): void {
  if (connection.destroySoon) connection.destroySoon()
  else connection.end()
}
