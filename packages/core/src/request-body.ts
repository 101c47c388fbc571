import type { Readable } from 'node:stream'

import { answered, collectBody } from './body.ts'
import type { WholeBodyListener } from './body.ts'
import { BodyStream } from './body-stream.ts'
import { ByteCollector } from './byte-collector.ts'
import { findDecoder } from './content-coding.ts'
import { decodeText } from './decode-text.ts'
import type { Form } from './form.ts'
import { completeLimits } from './form-limits.ts'
import type { CompleteFormLimits, FormLimits } from './form-limits.ts'
import { HttpContentTooLarge, HttpUnsupportedMediaType } from './http-error.ts'
import { parseJsonText } from './json-text.ts'
import { isJsonType } from './media-type.ts'
import { readParts } from './multipart.ts'
import type { MultipartPart } from './multipart-part.ts'
import { collectParts, parseUrlencoded } from './read-form.ts'
import { mediaTypeOf } from './request-head.ts'
import type { RequestHead } from './request-head.ts'
import { TemporaryFiles } from './temporary-files.ts'
import type { AllTemporaryFiles } from './temporary-files.ts'
import { UsageError } from './usage-error.ts'

/** What reading a body needs of the exchange that it belongs to. */
export interface BodyExchange {
  /** Tells a client that waits for it to send the body. */
  sendContinue(): void
  /** The temporary files of all requests, as long as they are there. */
  readonly temporaryFiles: AllTemporaryFiles
}

/** What a urlencoded form may name as its charset: nothing else than UTF-8 is in use (the URL Standard). */
const URLENCODED_CHARSETS = ['utf-8', 'utf8', 'us-ascii']

/** The body of a request, in whatever form it is wanted: read when it is first asked for, and once. */
export class RequestBody {
  readonly #head: RequestHead
  readonly #limit: number
  readonly #exchange: BodyExchange
  readonly #opened: BodyStream[] = []
  #isTaken = false
  #stream: BodyStream | undefined
  /** What became of the first use of the whole body. */
  #firstUse: Promise<unknown> | undefined
  #whole: Buffer | undefined
  #bytes: Promise<Buffer> | undefined
  #text: Promise<string> | undefined
  #json: Promise<unknown> | undefined
  #typeError: HttpUnsupportedMediaType | undefined
  #form: Promise<Form> | undefined
  #files: TemporaryFiles | undefined

  /** @param limit the largest body that is read, in bytes */
  constructor(head: RequestHead, limit: number, exchange: BodyExchange) {
    this.#head = head
    this.#limit = limit
    this.#exchange = exchange
  }

  /** Whether reading has begun. */
  get isUsed(): boolean {
    return this.#isTaken
  }

  /** The body as a stream; the same one each time. */
  get stream(): Readable {
    return (this.#stream ??= this.#open())
  }

  /** The bytes. */
  bytes(): Promise<Buffer> {
    return (this.#bytes ??= this.#use(this.#limit, bytes => bytes))
  }

  /** The bytes as text. */
  text(): Promise<string> {
    const { charset } = this.#head
    return (this.#text ??= this.#use(this.#limit, bytes => decodeText(bytes, charset, 'The body')))
  }

  /** The text as JSON. */
  json(anyType: boolean): Promise<unknown> {
    if (!anyType) {
      this.#typeError ??= this.#whyNotJson()
      if (this.#typeError) return Promise.reject(this.#typeError)
    }
    // RFC 8259 §8.1: JSON between systems is UTF-8; a charset parameter has no meaning.
    return (this.#json ??= this.#use(this.#limit, parseJson))
  }

  /** Fields and files. */
  form(limits: FormLimits | undefined): Promise<Form> {
    return (this.#form ??= this.#readForm(completeLimits(limits)))
  }

  /** The parts, one after the other. */
  multipart(limits: FormLimits | undefined): AsyncGenerator<MultipartPart, void, undefined> {
    return readParts(() => this.#open(), mediaTypeOf(this.#head), completeLimits(limits))
  }

  /**
   * The request has its answer: nobody reads any more, and files go when the work that is left is done.
   *
   * @returns settles when they are gone, `undefined` when there are none
   */
  release(work: readonly Promise<unknown>[]): Promise<void> | undefined {
    for (const stream of this.#opened) if (!stream.destroyed) stream.destroy(answered())
    const files = this.#files
    return files && Promise.allSettled(work).then(() => files.remove())
  }

  #whyNotJson(): HttpUnsupportedMediaType | undefined {
    const sent = this.#head.raw.headers['content-type']
    if (sent === 'application/json') return undefined // as most clients write it: nothing to parse
    const type = mediaTypeOf(this.#head)
    if (type && isJsonType(type)) return undefined
    return new HttpUnsupportedMediaType(
      `Send the body with "Content-Type: application/json": it came with ${sent ?? 'nothing'}`,
    )
  }

  async #readForm(limits: CompleteFormLimits): Promise<Form> {
    const type = mediaTypeOf(this.#head)
    if (type?.essence === 'application/x-www-form-urlencoded') return this.#readUrlencoded(limits)
    if (type?.essence !== 'multipart/form-data') {
      throw new HttpUnsupportedMediaType(
        'Send the form as application/x-www-form-urlencoded or multipart/form-data',
      )
    }
    this.#files = new TemporaryFiles(this.#exchange.temporaryFiles)
    return collectParts(
      readParts(() => this.#open(), type, limits),
      limits,
      this.#files,
    )
  }

  async #readUrlencoded(limits: CompleteFormLimits): Promise<Form> {
    const { charset = 'utf-8' } = this.#head
    if (!URLENCODED_CHARSETS.includes(charset)) {
      throw new HttpUnsupportedMediaType(`Send the form in UTF-8: the charset "${charset}" is not supported`)
    }
    const { fieldsSize } = limits
    return this.#use(Math.min(this.#limit, fieldsSize), bytes => {
      if (bytes.length > fieldsSize) throw new HttpContentTooLarge(fieldsSize)
      return parseUrlencoded(decodeText(bytes, undefined, 'The form'), limits)
    })
  }

  /**
   * Gives the whole body to a function. The first one gets it in the turn in which it has arrived, without a promise for
   * the bytes in between: 4 % of the processor time of a request with 1 KiB of JSON on one
   * machine, and on another nothing that could be told (docs/explanation/speed.md).
   */
  #use<T>(limit: number, use: (bytes: Buffer) => T): Promise<T> {
    if (this.#firstUse) return this.#useAgain(this.#firstUse, use)
    const result = new Promise<T>((resolve, reject) => {
      this.#take(limit)
      const fail = (error: Error): void => reject(error)
      const bytes = (whole: Buffer): void => {
        this.#whole = whole
        try {
          resolve(use(whole))
        } catch (error) {
          fail(error as Error)
        }
      }
      this.#collect(limit, { bytes, fail })
    })
    this.#firstUse = result
    return result
  }

  /** Whether the first one could use the bytes is of no matter to the others. */
  async #useAgain<T>(firstUse: Promise<unknown>, use: (bytes: Buffer) => T): Promise<T> {
    try {
      await firstUse
    } catch (error) {
      if (!this.#whole) throw error
    }
    return use(this.#whole!)
  }

  #collect(limit: number, listener: WholeBodyListener): void {
    const { raw } = this.#head
    if (!findDecoder(raw.headers['content-encoding'])) return collectBody(raw, limit, listener)
    this.#decode(limit).then(
      bytes => listener.bytes(bytes),
      (error: Error) => listener.fail(error),
    )
  }

  async #decode(limit: number): Promise<Buffer> {
    const collected = new ByteCollector()
    const stream = new BodyStream(this.#head.raw, limit, () => undefined)
    for await (const chunk of stream as AsyncIterable<Buffer>) collected.add(chunk)
    return collected.take()
  }

  #open(): BodyStream {
    const stream = new BodyStream(this.#head.raw, this.#limit, () => {
      if (this.#firstUse) return this.bytes()
      this.#take(this.#limit)
      return undefined
    })
    this.#opened.push(stream)
    return stream
  }

  /** Makes the body the caller's, and has the client send it. */
  #take(limit: number): void {
    if (this.#isTaken) throw used()
    const { raw, contentLength = 0 } = this.#head
    findDecoder(raw.headers['content-encoding'])
    if (contentLength > limit) throw new HttpContentTooLarge(limit)
    this.#isTaken = true
    // The client holds the body back until it is asked for: ask only now, when everything else is decided.
    if (raw.headers.expect !== undefined && raw.httpVersionMinor > 0) this.#exchange.sendContinue()
  }
}

function parseJson(bytes: Buffer): unknown {
  return parseJsonText(decodeText(bytes, undefined, 'The body'))
}

function used(): UsageError {
  return new UsageError(
    'ERR_BODY_USED',
    'Cannot read the body: it has been taken as a stream; bytes(), text(), json() and form() share what they read, when called before',
  )
}
