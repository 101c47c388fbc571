import type { Duplex } from 'node:stream'

import { Deadline, timeoutError } from './deadline.ts'

interface Waiting {
  readonly find: (text: string, hasEnded: boolean) => number | undefined
  readonly resolve: (text: string) => void
  readonly reject: (error: Error) => void
}

/**
 * One connection as bytes: for requests that no client would send. What arrives is kept until it is received; as bytes it
 * can be read as `latin1`, so that no byte is lost between two pieces.
 */
export class RawConnection {
  /** The client's end of the connection, a `net.Socket` or what is like one. */
  readonly raw: Duplex
  /** Settles when the connection is over: `'ended'` by the server, or `'reset'`. Never rejects. */
  readonly closed: Promise<'ended' | 'reset'>
  readonly #timeout: number
  #received = ''
  #hasEnded = false
  #error: Error | undefined
  #waiting: Waiting | undefined

  /** @internal Made by a client. */
  constructor(raw: Duplex, timeout: number) {
    this.raw = raw
    this.#timeout = timeout
    raw.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1')
      this.#check()
    })
    raw.on('error', error => (this.#error = error))
    this.closed = new Promise(resolve => {
      raw.on('close', () => {
        this.#hasEnded = true
        this.#check()
        resolve(this.#error ? 'reset' : 'ended')
      })
    })
  }

  /**
   * Sends bytes, or text in UTF-8; line breaks are up to the caller. Resolves when the other end has room for more.
   *
   * @throws Error when the connection is closed
   */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.raw.write(bytes, error => (error ? reject(error) : resolve())),
    )
  }

  /** Ends the sending direction only, after these bytes. */
  end(bytes?: string | Uint8Array | undefined): void {
    if (bytes === undefined) this.raw.end()
    else this.raw.end(bytes)
  }

  /**
   * Everything up to the end of the connection, one character per byte; what was received before is not repeated.
   *
   * @throws Error when the server does not end within the client's timeout, showing what arrived
   */
  receive(): Promise<string> {
    return this.#wait('the end', (text, hasEnded) => (hasEnded ? text.length : undefined))
  }

  /**
   * What arrives up to the end of the first match, one character per byte; what follows is kept for the next call.
   *
   * @throws Error when nothing matches before the connection ends, or within the client's timeout, showing what arrived
   */
  receiveUntil(pattern: string | RegExp): Promise<string> {
    return this.#wait(`${typeof pattern === 'string' ? JSON.stringify(pattern) : pattern}`, text =>
      endOfMatch(text, pattern),
    )
  }

  /** Cuts the connection, without a word to the server but what TCP says. */
  destroy(): void {
    this.raw.destroy()
  }

  #wait(what: string, find: Waiting['find']): Promise<string> {
    if (this.#waiting) return Promise.reject(new Error('Cannot receive: an earlier call is still waiting'))
    return new Promise((resolve, reject) => {
      const fail = (reason: string) =>
        reject(timeoutError(`Cannot receive ${what}: ${reason}, after ${this.#shown}`))
      const deadline = new Deadline(this.#timeout, () => {
        this.#waiting = undefined
        fail(`it did not come within ${this.#timeout} ms`)
      })
      this.#waiting = {
        find,
        resolve: text => {
          deadline.clear()
          resolve(text)
        },
        reject: error => {
          deadline.clear()
          reject(
            new Error(`Cannot receive ${what}: ${error.message}, after ${this.#shown}`, {
              cause: this.#error,
            }),
          )
        },
      }
      this.#check()
    })
  }

  #check(): void {
    const waiting = this.#waiting
    const end = waiting?.find(this.#received, this.#hasEnded)
    if (!waiting || (end === undefined && !this.#hasEnded)) return
    this.#waiting = undefined
    if (end === undefined) return waiting.reject(this.#error ?? new Error('the connection has ended'))
    const text = this.#received.slice(0, end)
    this.#received = this.#received.slice(end)
    waiting.resolve(text)
  }

  get #shown(): string {
    return JSON.stringify(this.#received)
  }
}

function endOfMatch(text: string, pattern: string | RegExp): number | undefined {
  const match =
    typeof pattern === 'string' ? { index: text.indexOf(pattern), 0: pattern } : pattern.exec(text)
  return match === null || match.index === -1 ? undefined : match.index + match[0].length
}
