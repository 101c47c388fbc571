import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import type { NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

import type { AppRunner } from '@allium/core'

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

  connect(): Duplex {
    return connect(this.#target)
  }

  async close(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }
}
