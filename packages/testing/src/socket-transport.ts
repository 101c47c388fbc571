import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import type { NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

import type { AppRunner } from '@allium/core'

import type { PeerOptions } from './peer-options.ts'

/** Connects to a runner through the machine's own sockets. */
export class SocketTransport {
  readonly origin: string
  readonly #target: NetConnectOpts
  readonly #folder: string | undefined

  constructor(origin: string, target: NetConnectOpts, folder?: string | undefined) {
    this.origin = origin
    this.#target = target
    this.#folder = folder
  }

  /** Listens on loopback, on a port that the system chooses. */
  static async tcp(runner: AppRunner): Promise<SocketTransport> {
    const { host, port } = await runner.listen({ host: '127.0.0.1', port: 0 })
    return new SocketTransport(`http://${host}:${port}`, { host, port })
  }

  /** Listens on a unix socket in a folder of its own. */
  static async unix(runner: AppRunner): Promise<SocketTransport> {
    const folder = await mkdtemp(join(tmpdir(), 'allium-'))
    const path = join(folder, 'app.sock')
    await runner.listen({ path })
    return new SocketTransport('http://localhost', { path }, folder)
  }

  /** A network says itself who connects to it, and whether that is encrypted. */
  assertPeer({ remoteAddress, encrypted }: PeerOptions): void {
    if (encrypted) {
      throw new TypeError(
        'Cannot claim to be encrypted: that is possible in memory only, a network really is or is not',
      )
    }
    if (remoteAddress !== undefined && this.#folder !== undefined) {
      throw new TypeError('Cannot have a remote address: a unix socket has none')
    }
  }

  connect({ remoteAddress }: PeerOptions): Duplex {
    if (remoteAddress === undefined) return connect(this.#target)
    return connect({ ...this.#target, localAddress: remoteAddress })
  }

  async close(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }
}
