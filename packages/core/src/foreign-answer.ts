import { ServerResponse } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http'
import { PassThrough } from 'node:stream'

import { Headers } from './headers.ts'
import { Response } from './response.ts'
import { allowsBody } from './send-response.ts'

type Fields = OutgoingHttpHeaders | OutgoingHttpHeader[]

/**
 * What a handler that is written for Node's own server answers. It gets a `ServerResponse` that behaves like any, and
 * what it writes there becomes a {@link Response} that goes the way of all others: nothing reaches the client directly.
 */
export class ForeignAnswer {
  /** For the handler to write to. */
  readonly target: ServerResponse
  /** Settles when the head is decided; rejects with what {@link fail} was given before that. */
  readonly response: Promise<Response>
  readonly #body = new PassThrough()
  #decide!: (response: Response) => void
  #reject!: (error: unknown) => void

  constructor(raw: IncomingMessage) {
    const target = new ServerResponse(raw)
    this.target = target
    this.response = new Promise((resolve, reject) => {
      this.#decide = resolve
      this.#reject = reject
    })
    this.response.catch(() => {}) // a middleware that went on to the next layer waits for no answer
    // On the object itself: Express gives its responses another prototype.
    Object.assign(target, {
      socket: raw.socket,
      writeHead: (status: number, reason?: string | Fields, fields?: Fields) =>
        this.#writeHead(status, reason, fields),
      flushHeaders: () => this.#flushHeaders(),
      write: (...args: unknown[]) => this.#write(args),
      end: (...args: unknown[]) => this.#end(args),
    })
    this.#body.on('drain', () => target.emit('drain')).on('finish', () => target.emit('finish'))
    this.#body.on('error', () => {}) // the reader hears of it
    this.#body.on('close', () => {
      target.destroyed = true
      target.emit('close')
    })
  }

  /** Header fields that were set so far. */
  get fields(): Headers {
    const fields = new Headers()
    for (const [name, value] of Object.entries(this.target.getHeaders())) {
      for (const item of Array.isArray(value) ? value : [value]) fields.append(name, String(item))
    }
    return fields
  }

  /** Ends it with an error: before the head the answer is that error, after it the body breaks off. */
  fail(error: unknown): void {
    this.#reject(error)
    this.#body.destroy(error instanceof Error ? error : new Error(String(error)))
  }

  #writeHead(
    status: number,
    reason: string | Fields | undefined,
    fields: Fields | undefined,
  ): ServerResponse {
    const { target } = this
    const phrase = typeof reason === 'string' ? reason : target.statusMessage || undefined
    setAll(target, typeof reason === 'string' ? fields : reason)
    ServerResponse.prototype.writeHead.call(target, status)
    const headers = this.fields
    headers.delete('transfer-encoding')
    if (!allowsBody(status)) {
      headers.delete('content-length')
      this.#body.resume()
    }
    try {
      const body = allowsBody(status) ? this.#body : null
      const response = new Response(body, { status, statusText: phrase, headers })
      if (!headers.has('content-type')) response.headers.delete('content-type') // as Node, which implies none
      this.#decide(response)
    } catch (error) {
      this.fail(error)
    }
    return target
  }

  #flushHeaders(): void {
    // Through the object's own method, which others may have wrapped to see the headers before they leave.
    if (!this.target.headersSent) this.target.writeHead(this.target.statusCode)
  }

  #write(args: unknown[]): boolean {
    this.#flushHeaders()
    return this.#body.write(...(args as [unknown, BufferEncoding]))
  }

  #end(args: unknown[]): ServerResponse {
    const { target } = this
    const done = args.find(argument => typeof argument === 'function') as (() => void) | undefined
    if (target.finished) {
      done?.()
      return target
    }
    const [chunk, encoding] = args.filter(argument => typeof argument !== 'function' && argument != null)
    if (!target.headersSent) this.#declareLength(chunk, encoding as BufferEncoding)
    this.#flushHeaders()
    target.finished = true
    if (done) target.once('finish', done)
    if (chunk !== undefined) this.#body.write(chunk, (encoding as BufferEncoding | undefined) ?? 'utf8')
    this.#body.end()
    return target
  }

  /** As Node does, which knows the length of a body that comes all at once. */
  #declareLength(chunk: unknown, encoding: BufferEncoding): void {
    if (this.target.hasHeader('content-length') || this.target.hasHeader('transfer-encoding')) return
    const length = typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : (chunk as Buffer)?.length
    this.target.setHeader('content-length', length ?? 0)
  }
}

function setAll(target: ServerResponse, fields: Fields | undefined): void {
  if (Array.isArray(fields)) {
    const flat = fields.flat() // pairs, or flat: Node takes both
    for (let i = 0; i < flat.length; i += 2) target.appendHeader(String(flat[i]), String(flat[i + 1]))
  } else {
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (value !== undefined) target.setHeader(name, value)
    }
  }
}
