import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'

import type { BodySource } from './received-body.ts'
import { requestHead } from './request-bytes.ts'
import type { PreparedRequest } from './request-init.ts'
import type { ResponseHead } from './response-head.ts'
import { isTunnel, ResponseParser } from './response-parser.ts'
import type { ResponseEvents } from './response-parser.ts'

/** One request on a connection, told of its response. */
export interface ConnectionCall extends ResponseEvents {
  /** After the head: the connection is now of another protocol, and the caller's. */
  onUpgrade(socket: Duplex): void
  /** The connection cannot give the response, or not all of it. Nothing else comes after this. */
  onFailure(error: Error): void
  /** Bytes arrived where HTTP has none: behind a response without a body, or behind its end. */
  onSurplus(bytes: Buffer): void
  /** Bytes have gone over the connection, as they are; text is of single bytes. */
  onWire(direction: 'sent' | 'received', bytes: Uint8Array | string): void
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** It can be used again. */
  onIdle(connection: ClientConnection): void
  onClosed(connection: ClientConnection): void
}

/** The largest body that is sent in one piece with its head, in bytes. */
const SMALL_BODY = 16 * 1024

/** The client's end of one connection: sends one request at a time and reads its response. */
export class ClientConnection implements BodySource, ResponseEvents {
  readonly socket: Duplex
  readonly #owner: ConnectionOwner
  readonly #parser = new ResponseParser()
  #call: ConnectionCall | undefined
  #lastCall: ConnectionCall | undefined
  #method = ''
  #isTunnel = false
  #keepsAlive = true
  #isSent = true
  #waitingBody: (() => void) | undefined
  #error: Error | undefined

  constructor(socket: Duplex, owner: ConnectionOwner) {
    this.socket = socket
    this.#owner = owner
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('end', () => this.#end())
    socket.on('error', error => (this.#error = error))
    socket.on('close', () => this.#close())
  }

  /**
   * Sends a request; the call is told of everything else.
   *
   * @returns the head, as it is sent
   * @throws TypeError for a request that cannot be sent; the connection is as it was
   */
  send(prepared: PreparedRequest, call: ConnectionCall): string {
    const head = requestHead(prepared)
    this.#call = call
    this.#lastCall = call
    this.#keepsAlive = prepared.headers.get('connection') !== 'close'
    this.#method = prepared.method
    this.#parser.expect(prepared.method, this)
    this.#write(head, prepared)
    return head
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Leaves, without a word to the server but what TCP says. */
  cut(error?: Error | undefined): void {
    this.#error ??= error
    this.socket.destroy()
  }

  #write(head: string, { headers, body }: PreparedRequest): void {
    const { socket } = this
    this.#isSent = true
    this.#call!.onWire('sent', head)
    if (body === undefined) return void socket.write(head, 'latin1')
    this.#isSent = false
    const isAwaited = headers.get('expect') === '100-continue'
    if (!isAwaited && !(body instanceof Readable) && body.length <= SMALL_BODY) {
      this.#isSent = true
      this.#call!.onWire('sent', body)
      return void socket.write(Buffer.concat([Buffer.from(head, 'latin1'), body]))
    }
    socket.write(head, 'latin1')
    const send = () => void this.#writeBody(body, headers.get('transfer-encoding') === 'chunked')
    if (isAwaited) this.#waitingBody = send
    else send()
  }

  async #writeBody(body: Uint8Array | Readable, isChunked: boolean): Promise<void> {
    const call = this.#call
    try {
      if (!(body instanceof Readable)) await this.#writePiece(body)
      else {
        for await (const piece of body as AsyncIterable<string | Uint8Array>) {
          const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
          if (bytes.length > 0) await this.#writePiece(isChunked ? toChunk(bytes) : bytes)
        }
        if (isChunked) await this.#writePiece(LAST_CHUNK)
      }
    } catch (error) {
      if (!this.socket.destroyed) this.cut(error as Error)
      return
    }
    this.#isSent = true
    if (call !== this.#call) this.#release() // the response was here first
  }

  #writePiece(bytes: Uint8Array): Promise<void> {
    this.#lastCall!.onWire('sent', bytes)
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, error => (error ? reject(error) : resolve()))
    })
  }

  onInformation(head: ResponseHead): void {
    this.#call!.onInformation(head)
    if (head.status === 100) this.#sendWaitingBody()
  }

  #sendWaitingBody(): void {
    const send = this.#waitingBody
    this.#waitingBody = undefined
    send?.()
  }

  onHead(head: ResponseHead): void {
    this.#keepsAlive &&= head.keepsAlive
    this.#isTunnel = isTunnel(this.#method, head.status)
    this.#call!.onHead(head)
  }

  onBody(bytes: Buffer): void {
    this.#call!.onBody(bytes)
  }

  onEnd(rawTrailers: readonly string[]): void {
    const call = this.#call!
    this.#call = undefined
    call.onEnd(rawTrailers)
    if (this.#isTunnel) return
    this.socket.resume() // the body that is whole now may have paused it; the next one is not begun
    // What is sent next would be taken for a body that was announced and has not gone out.
    if (!this.#isSent) this.#keepsAlive = false
    if (this.#isSent || this.#waitingBody) this.#release()
    this.#waitingBody = undefined
  }

  #release(): void {
    if (this.#keepsAlive) this.#owner.onIdle(this)
    else this.socket.destroy()
  }

  #read(bytes: Buffer): void {
    this.#lastCall?.onWire('received', bytes)
    if (this.#parser.isIdle) return this.#refuseSurplus(bytes)
    try {
      const rest = this.#parser.read(bytes)
      if (this.#isTunnel) this.#upgrade(rest)
      else if (rest.length > 0) this.#refuseSurplus(rest)
    } catch (error) {
      this.cut(error as Error)
    }
  }

  /** Takes the socket away from HTTP. */
  #upgrade(rest: Buffer): void {
    const { socket } = this
    for (const event of ['data', 'end', 'error', 'close']) socket.removeAllListeners(event)
    socket.pause()
    if (rest.length > 0) socket.unshift(rest)
    this.#owner.onClosed(this)
    this.#lastCall!.onUpgrade(socket)
  }

  #refuseSurplus(bytes: Buffer): void {
    this.#lastCall?.onSurplus(bytes)
    this.socket.destroy()
  }

  #end(): void {
    if (this.#parser.end()) this.socket.destroy()
  }

  #close(): void {
    const call = this.#call
    this.#call = undefined
    this.#owner.onClosed(this)
    call?.onFailure(this.#error ?? connectionReset(this.#parser.isBeforeHead ? 'socket hang up' : 'aborted'))
  }
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n')

function toChunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** The words of Node's own client. */
function connectionReset(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' })
}
