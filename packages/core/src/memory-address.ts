import { isIPv6 } from 'node:net'

const FIRST_PORT = 49_152
const PORTS = 65_536 - FIRST_PORT

/** One end of a connection, as `net.Socket` tells it. */
export interface MemoryAddress {
  /** IP address. */
  readonly address: string
  /** Port. */
  readonly port: number
  /** `IPv4` or `IPv6`. */
  readonly family: string
}

// Tells connections apart in logs; nothing depends on where it stands.
let portsGiven = 0

/** A port that no connection has had lately. */
export function nextPort(): number {
  return FIRST_PORT + (portsGiven++ % PORTS)
}

/** @throws RangeError for a port outside 0–65535 */
export function toMemoryAddress(address = '127.0.0.1', port: number): MemoryAddress {
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new RangeError(`Cannot make a memory socket: "${port}" is not a port`)
  }
  return { address, port, family: isIPv6(address) ? 'IPv6' : 'IPv4' }
}
