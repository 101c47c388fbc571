import { readFile, stat } from 'node:fs/promises'
import type { Server } from 'node:https'
import type { SecureContextOptions } from 'node:tls'

import type { Clock, Timer } from './clock.ts'
import type { Logger } from './logger.ts'

/**
 * TLS for a target. Certificate and key are given as text or as files; files are looked at once a minute, and read
 * again when they have changed, for new connections to use: no restart when a certificate is renewed.
 */
export interface TlsOptions {
  /** The certificate chain, PEM. */
  readonly cert?: string | Buffer | undefined
  /** The private key, PEM. */
  readonly key?: string | Buffer | undefined
  /** File with the certificate chain, instead of `cert`. */
  readonly certFile?: string | undefined
  /** File with the private key, instead of `key`. */
  readonly keyFile?: string | undefined
  /** Authorities whose client certificates are accepted, PEM. */
  readonly ca?: string | Buffer | undefined
  /** Whether clients are asked for a certificate; default `false`. One that does not verify is refused. */
  readonly requestCert?: boolean | undefined
  /** The oldest protocol version; default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
}

/** How often certificate files are looked at, in milliseconds. */
const LOOK_INTERVAL = 60_000

/** What a {@link TlsCertificate} needs of the application. */
interface CertificateOwner {
  readonly clock: Clock
  readonly logger: Logger
}

/** The certificate of one server, kept as fresh as its files. */
export class TlsCertificate {
  readonly #options: TlsOptions
  readonly #owner: CertificateOwner
  #readAt = ''
  #timer: Timer | undefined

  constructor(options: TlsOptions, owner: CertificateOwner) {
    this.#options = options
    this.#owner = owner
  }

  /** Reads the files; what it gives is for `createSecureContext`. */
  async read(): Promise<SecureContextOptions> {
    const { cert, key, certFile, keyFile, ca, minVersion = 'TLSv1.2' } = this.#options
    this.#readAt = await this.#age()
    const [certificate, secret] = await Promise.all([
      certFile === undefined ? cert : readFile(certFile),
      keyFile === undefined ? key : readFile(keyFile),
    ])
    return { cert: certificate, key: secret, ca, minVersion }
  }

  /** Gives the server a new certificate whenever the files change. One that does not fit is logged, and not used. */
  watch(server: Server): void {
    const { certFile, keyFile } = this.#options
    if (certFile === undefined && keyFile === undefined) return
    this.#timer = this.#owner.clock.setTimer(() => {
      void this.refresh(server).then(() => this.watch(server))
    }, LOOK_INTERVAL)
    server.once('close', () => this.#timer?.clear())
  }

  /** Looks at the files now. */
  async refresh(server: Server): Promise<void> {
    try {
      if ((await this.#age()) === this.#readAt) return
      server.setSecureContext(await this.read())
      this.#owner.logger.info({ certFile: this.#options.certFile }, 'The TLS certificate was renewed')
    } catch (err) {
      this.#owner.logger.error({ err }, 'The new TLS certificate cannot be used: the old one stays')
    }
  }

  async #age(): Promise<string> {
    const { certFile, keyFile } = this.#options
    const files = [certFile, keyFile].filter(file => file !== undefined)
    const stats = await Promise.all(files.map(file => stat(file)))
    return stats.map(({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`).join()
  }
}
