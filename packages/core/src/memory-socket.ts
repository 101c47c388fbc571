/**
 * A connection without a network: two halves that behave as the two ends of a TCP connection do.
 *
 * Each direction is a {@link Wire}. A write is finished once the other half has taken all of it below its high-water mark,
 * so back-pressure is that of the streams themselves. Nothing is delivered inside the call that sent it: Node's HTTP code
 * is not re-entrant, and answers `Expect: 100-continue` with a crash when it is entered twice.
 */
import { AsyncResource } from 'node:async_hooks'
import { nextTick } from 'node:process'
import { Duplex } from 'node:stream'

import type { Clock } from './clock.ts'
import { startIdleTimer } from './idle-timer.ts'
import type { IdleTimer } from './idle-timer.ts'
import { nextPort, toMemoryAddress } from './memory-address.ts'
import type { MemoryAddress } from './memory-address.ts'
export type { MemoryAddress } from './memory-address.ts'
import { connectionError, Wire } from './memory-wire.ts'
import type { WriteDone } from './memory-wire.ts'

const HIGH_WATER_MARK = 64 * 1024

/** What {@link memorySocketPair} can be given. */
export interface MemorySocketOptions {
  /** The address that the server sees its client at; default `'127.0.0.1'`. Its form decides the family of both halves. */
  readonly clientAddress?: string | undefined
  /** Default: counted up through 49152–65535, so that connections can be told apart. */
  readonly clientPort?: number | undefined
  /** The address that the client seems to have connected to; default `'127.0.0.1'`. */
  readonly serverAddress?: string | undefined
  /** Default 80, or 443 for an `encrypted` pair. */
  readonly serverPort?: number | undefined
  /** Whether both halves claim to be encrypted, as a `TLSSocket` does; nothing is. Default `false`. */
  readonly encrypted?: boolean | undefined
  /** Counts the idle time of `setTimeout` on the server's half; default: the global timers of the moment. */
  readonly clock?: Clock | undefined
  /** Of each half and each direction, in bytes; default 64 KiB. */
  readonly highWaterMark?: number | undefined
}

/** The two ends of one connection. */
export interface MemorySocketPair {
  /** Ends by itself when the server has ended, as `allowHalfOpen: false` says. */
  readonly client: MemorySocket
  /** Stays writable after the client has ended, as the sockets of an `http.Server` do. */
  readonly server: MemorySocket
}

/**
 * Connects two sockets to each other in memory. Hand `server` to a server by `server.emit('connection', socket)`, or to an
 * `AppRunner` by `accept`, and `client` to an HTTP client in place of a connection; the server need not listen.
 *
 * Holds no handle of the event loop: a process that waits for nothing but memory sockets ends.
 *
 * @throws RangeError for a port outside 0–65535
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { memorySocketPair } from '@allium/core/memory-socket'
 *
 * const server = createServer((request, response) => response.end('hello'))
 * const pair = memorySocketPair()
 * server.emit('connection', pair.server)
 * pair.client.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
 * for await (const chunk of pair.client) console.log(String(chunk))
 * ```
 */
export function memorySocketPair(options: MemorySocketOptions = {}): MemorySocketPair {
  const encrypted = options.encrypted ?? false
  const clientEnd = toMemoryAddress(options.clientAddress, options.clientPort ?? nextPort())
  const serverEnd = toMemoryAddress(options.serverAddress, options.serverPort ?? (encrypted ? 443 : 80))
  const shared = { encrypted, highWaterMark: options.highWaterMark ?? HIGH_WATER_MARK }
  const [toServer, toClient] = [new Wire(), new Wire()]
  const atClient = { incoming: toClient, outgoing: toServer, local: clientEnd, remote: serverEnd }
  const atServer = { incoming: toServer, outgoing: toClient, local: serverEnd, remote: clientEnd }
  return {
    client: new MemorySocket({ ...shared, ...atClient, allowHalfOpen: false, clock: undefined }),
    server: new MemorySocket({ ...shared, ...atServer, allowHalfOpen: true, clock: options.clock }),
  }
}

/**
 * One end of a connection in memory, with the members of `net.Socket` that HTTP, WebSocket and their agents use.
 *
 * Destroying it is seen by the other end as TCP would show it: as an end when everything had been read, else as
 * `ECONNRESET`; a write after that fails with `EPIPE`. The error it was destroyed with stays on this end.
 */
export class MemorySocket extends Duplex {
  /** As on a `TLSSocket`; what {@link MemorySocketOptions} said. */
  readonly encrypted: boolean
  /** Always `false`: a pair is made connected. */
  readonly connecting: boolean = false
  /** Always `false`: a pair is made connected. */
  readonly pending: boolean = false
  /** What {@link MemorySocket.setTimeout} was last given, in milliseconds; 0 for none. */
  timeout: number = 0
  readonly #local: MemoryAddress
  readonly #remote: MemoryAddress
  readonly #incoming: Wire
  readonly #outgoing: Wire
  // What arrives is handled in the context that the socket was made in, as with a real one, not in that of the sender.
  readonly #context = new AsyncResource('MEMORYSOCKET', { requireManualDestroy: true })
  readonly #clock: Clock | undefined
  #bytesRead = 0
  #bytesAcknowledged = 0
  #resetting = false
  #timer: IdleTimer | undefined

  /** @internal Made in pairs by {@link memorySocketPair}. */
  constructor(half: Half) {
    super({ allowHalfOpen: half.allowHalfOpen, highWaterMark: half.highWaterMark })
    this.encrypted = half.encrypted
    this.#clock = half.clock
    this.#local = half.local
    this.#remote = half.remote
    this.#incoming = half.incoming
    this.#outgoing = half.outgoing
    this.#incoming.connect({
      receive: bytes => this.#context.runInAsyncScope(this.#receive, this, bytes),
      reset: () => this.#context.runInAsyncScope(this.#wasReset, this),
      isGone: () => this.destroyed,
    })
  }

  /** The address of this end. */
  get localAddress(): string {
    return this.#local.address
  }

  /** The port of this end. */
  get localPort(): number {
    return this.#local.port
  }

  /** `'IPv4'` or `'IPv6'`. */
  get localFamily(): string {
    return this.#local.family
  }

  /** The address of the other end. */
  get remoteAddress(): string {
    return this.#remote.address
  }

  /** The port of the other end. */
  get remotePort(): number {
    return this.#remote.port
  }

  /** `'IPv4'` or `'IPv6'`. */
  get remoteFamily(): string {
    return this.#remote.family
  }

  /** Bytes that have arrived, read or not. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Bytes that were written, those still waiting included. */
  get bytesWritten(): number {
    return this.#bytesAcknowledged + this.writableLength
  }

  /** Which directions are open, in the words of `net.Socket`. */
  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** The address, port and family of this end. */
  address(): MemoryAddress {
    return { ...this.#local }
  }

  /**
   * Emits `'timeout'` once nothing was read or written for so long. The timer is one of the pair's clock, else the global one
   * of the moment, so that a fake clock drives it; it keeps no process alive.
   *
   * @param milliseconds 0 for none
   * @throws RangeError for a number that is negative or not a number
   */
  setTimeout(milliseconds: number, listener?: (() => void) | undefined): this {
    if (!(milliseconds >= 0))
      throw new RangeError(`Cannot set a socket timeout: ${milliseconds} is not a duration`)
    this.timeout = milliseconds
    this.#timer?.stop()
    this.#timer = undefined
    if (milliseconds > 0) {
      const onIdle = () => this.emit('timeout')
      if (!this.destroyed) this.#timer = startIdleTimer(milliseconds, onIdle, this.#clock)
      if (listener) this.once('timeout', listener)
    } else if (listener) this.off('timeout', listener)
    return this
  }

  /** Does nothing: there is no network to keep a connection open in. */
  setKeepAlive(_enable?: boolean | undefined, _initialDelay?: number | undefined): this {
    return this
  }

  /** Does nothing: bytes are never held back. */
  setNoDelay(_noDelay?: boolean | undefined): this {
    return this
  }

  /** Does nothing: no handle of the event loop is held. */
  ref(): this {
    return this
  }

  /** Does nothing: no handle of the event loop is held. */
  unref(): this {
    return this
  }

  /** As in any stream; behind the end of a peer whom a client has answered in kind, it fails with `EPIPE`, as with TCP. */
  override write(
    chunk: unknown,
    encoding?: BufferEncoding | ((error?: Error | null) => void) | undefined,
    done?: ((error?: Error | null) => void) | undefined,
  ): boolean {
    if (this.writableEnded && this.readableEnded && !this.allowHalfOpen)
      return this.#refuse(typeof encoding === 'function' ? encoding : done)
    return typeof encoding === 'function'
      ? super.write(chunk, encoding)
      : super.write(chunk, encoding ?? 'utf8', done)
  }

  /** Destroys the socket once everything that was written has been taken by the other end. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** Destroys the socket so that the other end fails with `ECONNRESET`, whatever had been read. */
  resetAndDestroy(): this {
    this.#resetting = true
    return this.destroy()
  }

  /** @internal */
  override _read(): void {
    this.#incoming.resume()
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: WriteDone): void {
    this.#send(Buffer.from(chunk), done) // a copy, as the network makes: the sender may use its buffer again
  }

  /** @internal */
  override _writev(writes: { chunk: Buffer; encoding: BufferEncoding }[], done: WriteDone): void {
    this.#send(Buffer.concat(writes.map(({ chunk }) => chunk)), done)
  }

  /** @internal */
  override _final(done: WriteDone): void {
    this.#outgoing.end()
    done()
  }

  /** @internal */
  override _destroy(error: Error | null, done: WriteDone): void {
    this.#timer?.stop()
    if (this.#resetting || this.readableLength > 0 || this.#incoming.loaded) this.#outgoing.reset()
    else this.#outgoing.end()
    this.#outgoing.abandon()
    this.#context.emitDestroy()
    done(error)
  }

  #refuse(done: WriteDone | undefined): false {
    const error = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' })
    if (done) nextTick(done, error)
    this.destroy(error)
    return false
  }

  #send(bytes: Buffer, done: WriteDone): void {
    this.#timer?.restart()
    this.#outgoing.write(bytes, error => {
      if (!error) this.#bytesAcknowledged += bytes.length
      done(error)
    })
  }

  #receive(bytes: Buffer | null): boolean {
    this.#timer?.restart()
    this.#bytesRead += bytes?.length ?? 0
    const wantsMore = this.push(bytes)
    if (bytes === null) this.read(0) // makes 'end' come where nobody reads, as net.Socket does
    return wantsMore
  }

  #wasReset(): void {
    this.destroy(connectionError('ECONNRESET', 'read'))
  }
}

/** What a {@link MemorySocket} is made of. @internal */
interface Half {
  readonly incoming: Wire
  readonly outgoing: Wire
  readonly local: MemoryAddress
  readonly remote: MemoryAddress
  readonly allowHalfOpen: boolean
  readonly encrypted: boolean
  readonly highWaterMark: number
  readonly clock: Clock | undefined
}
