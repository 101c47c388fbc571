import { MalformedResponseError, parseResponseHead, parseTrailers } from './response-head.ts'
import type { ResponseHead } from './response-head.ts'

/** What a {@link ResponseParser} finds, in order. */
export interface ResponseEvents {
  /** An answer that comes before the response: 1xx, but for 101. */
  onInformation(head: ResponseHead): void
  onHead(head: ResponseHead): void
  onBody(bytes: Buffer): void
  onEnd(rawTrailers: readonly string[]): void
}

type State = 'idle' | 'head' | 'length' | 'until close' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers'

/** Longer than any test needs, in bytes. */
const MAX_HEAD = 1024 * 1024
const MAX_CHUNK_LINE = 1024
const EMPTY_LINE = '\r\n\r\n'
const NO_BYTES = Buffer.alloc(0)

/**
 * Reads the responses on one connection, in whatever pieces they come, one for each {@link ResponseParser.expect}. A state
 * machine: lines are collected until they are whole, bodies are handed on as they come.
 */
export class ResponseParser {
  #events: ResponseEvents | undefined
  #method = ''
  #state: State = 'idle'
  #kept: Buffer = NO_BYTES
  #left = 0

  /** Whether no response is expected, or the last one has ended. */
  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  /** Whether the head of the response has not arrived. */
  get isBeforeHead(): boolean {
    return this.#state === 'head'
  }

  /** The next bytes are the response to a request of that method. */
  expect(method: string, events: ResponseEvents): void {
    this.#method = method
    this.#events = events
    this.#state = 'head'
  }

  /**
   * Reads bytes that have arrived.
   *
   * @returns what follows the response: nothing that HTTP would have there, or the first bytes of another protocol
   * @throws MalformedResponseError
   */
  read(bytes: Buffer): Buffer {
    let rest = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes])
    this.#kept = NO_BYTES
    while (this.#state !== 'idle' && rest.length > 0) {
      const next = this.#step(rest)
      if (next === undefined) {
        this.#kept = rest
        return NO_BYTES
      }
      rest = next
    }
    return rest
  }

  /**
   * Nothing more will arrive.
   *
   * @returns whether the response was whole
   */
  end(): boolean {
    if (this.#state === 'until close') this.#finish([])
    return this.isIdle
  }

  /** Reads one line, or one piece of a body; `undefined` where more has to arrive first. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes)
      case 'chunk size':
        return this.#readChunkSize(bytes)
      case 'chunk end':
        return this.#readChunkEnd(bytes)
      case 'trailers':
        return this.#readTrailers(bytes)
      default:
        return this.#readBody(bytes)
    }
  }

  #readHead(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(EMPTY_LINE, 0, 'latin1')
    if (end === -1) return waitForMore(bytes, MAX_HEAD)
    const head = parseResponseHead(bytes.toString('latin1', 0, end))
    const rest = bytes.subarray(end + 4)
    if (head.status < 200 && head.status !== 101) this.#events!.onInformation(head)
    else this.#begin(head)
    return rest
  }

  #begin(head: ResponseHead): void {
    const { length } = head
    this.#events!.onHead(head)
    if (!allowsBody(this.#method, head.status) || length === 0) return this.#finish([])
    if (typeof length === 'number') {
      this.#left = length
      this.#state = 'length'
    } else {
      this.#state = length === 'chunked' ? 'chunk size' : 'until close'
    }
  }

  #readBody(bytes: Buffer): Buffer {
    if (this.#state === 'until close') {
      this.#events!.onBody(bytes)
      return NO_BYTES
    }
    const piece = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes
    this.#left -= piece.length
    this.#events!.onBody(piece)
    if (this.#left === 0) {
      if (this.#state === 'length') this.#finish([])
      else this.#state = 'chunk end'
    }
    return bytes.subarray(piece.length)
  }

  #readChunkSize(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf('\r\n', 0, 'latin1')
    if (end === -1) return waitForMore(bytes, MAX_CHUNK_LINE)
    const line = bytes.toString('latin1', 0, end)
    if (!/^[0-9a-f]{1,8}(?:[ \t]*;.*)?$/i.test(line)) {
      throw new MalformedResponseError('the size of a chunk is expected, and not', line)
    }
    this.#left = Number.parseInt(line, 16)
    this.#state = this.#left === 0 ? 'trailers' : 'chunk'
    return bytes.subarray(end + 2)
  }

  #readChunkEnd(bytes: Buffer): Buffer | undefined {
    if (bytes.length < 2 && bytes[0] === 0x0d) return undefined
    if (bytes[0] !== 0x0d || bytes[1] !== 0x0a) {
      throw new MalformedResponseError(
        'the end of a chunk is expected, and not',
        bytes.toString('latin1', 0, 100),
      )
    }
    this.#state = 'chunk size'
    return bytes.subarray(2)
  }

  #readTrailers(bytes: Buffer): Buffer | undefined {
    if (bytes[0] === 0x0d && bytes[1] === 0x0a) {
      this.#finish([])
      return bytes.subarray(2)
    }
    const end = bytes.indexOf(EMPTY_LINE, 0, 'latin1')
    if (end === -1) return waitForMore(bytes, MAX_HEAD)
    this.#finish(parseTrailers(bytes.toString('latin1', 0, end)))
    return bytes.subarray(end + 4)
  }

  #finish(rawTrailers: readonly string[]): void {
    const events = this.#events!
    this.#events = undefined
    this.#state = 'idle'
    events.onEnd(rawTrailers)
  }
}

/** Whether a response has a body, whatever its fields say (RFC 9112 §6.3). */
export function allowsBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304 && status !== 101 && !isTunnel(method, status)
}

/** Whether what follows the head is another protocol. */
export function isTunnel(method: string, status: number): boolean {
  return status === 101 || (method === 'CONNECT' && status >= 200 && status <= 299)
}

function waitForMore(bytes: Buffer, limit: number): undefined {
  if (bytes.length > limit)
    throw new MalformedResponseError(
      `no line ends within ${limit} bytes of`,
      bytes.toString('latin1', 0, 100),
    )
}
