import { Readable } from 'node:stream'

import { ByteCollector } from './byte-collector.ts'
import { decodeText } from './decode-text.ts'
import type { Headers } from './headers.ts'
import { parseJsonText } from './json-text.ts'
import { parseMediaType } from './media-type.ts'
import type { MediaType } from './media-type.ts'
import type { PartContent } from './part-content.ts'
import { UsageError } from './usage-error.ts'

/**
 * One part of a multipart body, still on its way: its content can be had until the loop goes on to the next part,
 * which skips what has not been read.
 */
export class MultipartPart {
  /** Name of the field. Empty for a part that has none, which only other types than `multipart/form-data` may have. */
  readonly name: string
  /**
   * Name of the file as the client gave it, without a path and control characters: for show, not for a path of yours.
   * `undefined` when the part is no file, empty when the visitor has chosen none.
   */
  readonly filename: string | undefined
  /** Header fields of the part, each byte a character as in all header fields. */
  readonly headers: Headers
  readonly #content: PartContent
  readonly #type: MediaType | undefined
  #bytes: Promise<Buffer> | undefined
  #stream: Readable | undefined

  /** @internal Parts come out of `request.multipart()`. */
  constructor(name: string, filename: string | undefined, headers: Headers, content: PartContent) {
    this.name = name
    this.filename = filename
    this.headers = headers
    this.#content = content
    this.#type = parseMediaType(headers.get('content-type') ?? '')
  }

  /**
   * Lower-case media type that the client gave, without parameters: a claim, like everything here. Without one it is
   * `application/octet-stream` for a file, `text/plain` for anything else.
   */
  get contentType(): string {
    return this.#type?.essence ?? (this.filename === undefined ? 'text/plain' : 'application/octet-stream')
  }

  /** The charset that the `Content-Type` names, in lower case. */
  get charset(): string | undefined {
    return this.#type?.parameters.get('charset')?.toLowerCase()
  }

  /** @internal The next piece of the content, `undefined` at its end: without the stream that a caller would want. */
  nextPiece(): Promise<Buffer | undefined> {
    return this.#content.next()
  }

  /**
   * The content as it arrives: no more is taken from the client than is read here. The same stream each time. It
   * fails with the errors of {@link MultipartPart.bytes}.
   */
  stream(): Readable {
    return (this.#stream ??= this.#bytes
      ? streamOf(onePiece(this.#bytes))
      : streamOf(() => this.#content.next()))
  }

  /**
   * The content as bytes. May be called again, until the loop goes on.
   *
   * @throws HttpContentTooLarge over `fieldSize` or `fileSize`, or over the body limit
   * @throws HttpBadRequest when the body is malformed or ends too early
   * @throws UsageError `ERR_BODY_USED` when it has been read as a stream, or the loop has gone on
   */
  bytes(): Promise<Buffer> {
    return (this.#bytes ??= this.#collect())
  }

  /**
   * The content as text, in the charset that the part names or in UTF-8.
   *
   * @throws HttpUnsupportedMediaType for an unknown charset
   * @throws HttpBadRequest for bytes that are not text in that charset
   * @throws what {@link MultipartPart.bytes} throws
   */
  async text(): Promise<string> {
    return decodeText(await this.bytes(), this.charset, `The part "${this.name}"`)
  }

  /**
   * The content as JSON, whatever its `Content-Type`.
   *
   * @throws HttpBadRequest as {@link Request.json} does
   * @throws what {@link MultipartPart.bytes} throws
   */
  async json(): Promise<unknown> {
    return parseJsonText(decodeText(await this.bytes(), undefined, `The part "${this.name}"`))
  }

  async #collect(): Promise<Buffer> {
    if (this.#stream) {
      throw new UsageError(
        'ERR_BODY_USED',
        `Cannot read the part "${this.name}": it has been taken as a stream`,
      )
    }
    const collected = new ByteCollector()
    for (let piece = await this.#content.next(); piece; piece = await this.#content.next()) {
      collected.add(piece)
    }
    return collected.take()
  }
}

function streamOf(next: () => Promise<Buffer | undefined>): Readable {
  const stream = new Readable({
    read() {
      next().then(
        piece => this.push(piece ?? null),
        (error: unknown) => this.destroy(error as Error), // as everything that the body throws
      )
    },
  })
  // Whoever reads hears of a failure; if nobody does, it must not end the process.
  stream.on('error', () => {})
  return stream
}

function onePiece(bytes: Promise<Buffer>): () => Promise<Buffer | undefined> {
  let isGiven = false
  return async () => {
    const piece = isGiven ? undefined : await bytes
    isGiven = true
    return piece?.length ? piece : undefined
  }
}
