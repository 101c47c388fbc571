import { isIP } from 'node:net'

/** Who the application sees at the other end of a connection. */
export interface PeerOptions {
  /**
   * The IP address that the user connects from; default loopback. Anything in memory; over TCP one of the machine's own,
   * such as `'127.0.0.2'`; over a unix socket there is none.
   */
  readonly remoteAddress?: string | undefined
  /**
   * Whether the connection claims to be encrypted, so that the scheme is `https`; default `false`. In memory only, and no
   * certificate is involved: for real TLS, start a `TestServer` with one.
   */
  readonly encrypted?: boolean | undefined
}

/** @throws TypeError for a remote address that is no IP address */
export function assertAddress({ remoteAddress }: PeerOptions): void {
  if (remoteAddress === undefined || isIP(remoteAddress) !== 0) return
  throw new TypeError(`Cannot connect from "${remoteAddress}": it is not an IP address`)
}
