import type { CallSite } from './call-site.ts'
import { realNow } from './real-time.ts'
import type { RequestRun } from './run-log.ts'

/** The beginning of what went over a connection in one direction. */
export class WireBytes {
  readonly #pieces: Uint8Array[] = []
  #kept = 0
  #size = 0

  add(bytes: Uint8Array | string): void {
    const piece = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    this.#size += piece.length
    if (this.#kept >= KEPT) return
    this.#pieces.push(piece.length > KEPT ? piece.subarray(0, KEPT) : piece)
    this.#kept += piece.length
  }

  /** How many there were in all. */
  get size(): number {
    return this.#size
  }

  /** As many as are kept. */
  get beginning(): Buffer {
    return Buffer.concat(this.#pieces).subarray(0, KEPT)
  }
}

/** How much is kept of each direction, in bytes. */
const KEPT = 16 * 1024

/** One request as the client saw it, until its response is over. */
export class ExchangeRecord {
  readonly method: string
  /** The target, as it was sent. */
  readonly path: string
  /** Where the test sent it. */
  readonly site: CallSite
  readonly sentAt: number = realNow()
  readonly sent: WireBytes = new WireBytes()
  readonly received: WireBytes = new WireBytes()
  /** The port at this end of the connection, if it has one. */
  port: number | undefined
  /** In real milliseconds since it was sent; `undefined` while it is under way. */
  endedAt: number | undefined
  /** Why there is no response, or not all of it. */
  error: Error | undefined
  /** What the application did with it, once somebody has looked. */
  run: RequestRun | undefined

  constructor(method: string, path: string, site: CallSite) {
    this.method = method
    this.path = path
    this.site = site
  }

  end(error?: Error | undefined): void {
    this.endedAt ??= realNow() - this.sentAt
    this.error ??= error
  }
}
