import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

import type { StandardSchemaV1 } from '@standard-schema/spec'

import { announcesBody } from './body.ts'
import type { Form } from './form.ts'
import type { FormLimits } from './form-limits.ts'
import { groupFields } from './group-fields.ts'
import type { MultipartPart } from './multipart-part.ts'
import type { Peer } from './proxy-trust.ts'
import { RequestBody } from './request-body.ts'
import type { BodyExchange } from './request-body.ts'
import { assertCalledOnRequest, RequestHead } from './request-head.ts'
import type { RequestTarget } from './request-target.ts'
import { validate } from './validation.ts'

/** How {@link RequestContent.json} reads. */
export interface JsonOptions {
  /** Accepts any `Content-Type`, also none; default `false`. */
  readonly anyType?: boolean | undefined
}

/** How {@link RequestContent.form} and {@link RequestContent.multipart} read. */
export interface FormOptions {
  /** What the form may cost; the first reader's limits count. */
  readonly limits?: FormLimits | undefined
}

/** What a value has to fit. */
export interface SchemaOption<Schema extends StandardSchemaV1> {
  /** A schema of zod, valibot, arktype, or any other library that implements Standard Schema. */
  readonly schema: Schema
}

/** Says how large a body may be, in bytes. */
export let limitBody: (request: RequestContent, limit: number) => void
/**
 * The request has its answer: nobody reads the body any more, and its files go when the work that is left is done.
 * Settles when they are gone; `undefined` when there are none.
 */
export let releaseBody: (
  request: RequestContent,
  work: readonly Promise<unknown>[],
) => Promise<void> | undefined

/** What the body and the query can be read as. */
export class RequestContent extends RequestHead {
  readonly #exchange: BodyExchange
  #limit: number
  #body: RequestBody | undefined

  static {
    limitBody = (request, limit) => {
      request.#limit = limit
    }
    releaseBody = (request, work) => request.#body?.release(work)
  }

  /** @internal Requests are made by the server. */
  constructor(raw: IncomingMessage, address: RequestTarget, peer: Peer, exchange: BodyExchange) {
    super(raw, address, peer)
    this.#exchange = exchange
    this.#limit = 0
  }

  /** Whether the request says that it has a body, even if that should turn out to be empty. */
  get hasBody(): boolean {
    return announcesBody(this.raw)
  }

  /** Whether reading the body has begun, in whatever way. What was read whole can be had again. */
  get bodyUsed(): boolean {
    return this.#body !== undefined && this.#body.isUsed
  }

  /**
   * The body as a stream of bytes, decoded, for what is too large to be held: nothing is asked of the client before it
   * is read, and no more than is read. The same stream each time. Reading it throws, or it emits:
   * `HttpContentTooLarge` as soon as there is more than the body limit, and what else {@link RequestContent.bytes} throws.
   */
  get body(): Readable {
    return this.#contents().stream
  }

  /**
   * The body as bytes, decoded when it came compressed (gzip, deflate, br, and zstd where Node has it). May be called
   * again.
   *
   * @throws HttpContentTooLarge over the body limit, 1 MiB unless the application or the route says otherwise; it is
   *   counted while the body comes in, and while it is decoded
   * @throws HttpUnsupportedMediaType for another coding, or several of them
   * @throws HttpBadRequest for a body that is no such coding, or not all of it
   * @throws ClientGoneError when the client leaves before the end
   * @throws UsageError `ERR_BODY_USED` when it has been taken as a stream, or the request has been answered
   */
  bytes(this: RequestContent): Promise<Buffer> {
    assertCalledOnRequest(this, 'bytes')
    return this.#contents().bytes()
  }

  /**
   * The body as text, in the charset that the `Content-Type` names or in UTF-8. May be called again.
   *
   * @throws HttpUnsupportedMediaType for an unknown charset
   * @throws HttpBadRequest for bytes that are not text in that charset
   * @throws what {@link RequestContent.bytes} throws
   */
  text(this: RequestContent): Promise<string> {
    assertCalledOnRequest(this, 'text')
    return this.#contents().text()
  }

  /**
   * The body as JSON. May be called again, and then gives the same value.
   *
   * @throws HttpUnsupportedMediaType unless the `Content-Type` is JSON (`application/json`, or `+json`): see `anyType`
   * @throws HttpBadRequest for an empty body, a syntax error (with its position), more than 512 levels, or a
   *   `__proto__` key
   * @throws ValidationError for a value that does not fit the `schema`
   * @throws what {@link RequestContent.bytes} throws
   */
  json(this: RequestContent, options?: JsonOptions | undefined): Promise<unknown>
  /** The body as JSON, as what the `schema` makes of it. */
  json<Schema extends StandardSchemaV1>(
    this: RequestContent,
    options: JsonOptions & SchemaOption<Schema>,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>
  async json(this: RequestContent, options?: JsonOptions & Partial<SchemaOption<StandardSchemaV1>>) {
    assertCalledOnRequest(this, 'json')
    const value = await this.#contents().json(options?.anyType ?? false)
    return options?.schema ? validate(options.schema, value, 'The body') : value
  }

  /**
   * The fields and files of a form, urlencoded or multipart. May be called again. Large files wait on the disk, and are
   * removed when the answer has left, whatever it was.
   *
   * @throws HttpUnsupportedMediaType for any other type, or a charset other than UTF-8 in a urlencoded form
   * @throws HttpBadRequest for a form that is malformed, or ends too early
   * @throws HttpContentTooLarge over one of the `limits`
   * @throws ValidationError when {@link Form.toObject} does not fit the `schema`
   * @throws what {@link RequestContent.bytes} throws
   */
  form(this: RequestContent, options?: FormOptions | undefined): Promise<Form>
  /** The form, as what the `schema` makes of {@link Form.toObject}. */
  form<Schema extends StandardSchemaV1>(
    this: RequestContent,
    options: FormOptions & SchemaOption<Schema>,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>
  async form(this: RequestContent, options?: FormOptions & Partial<SchemaOption<StandardSchemaV1>>) {
    assertCalledOnRequest(this, 'form')
    const form = await this.#contents().form(options?.limits)
    return options?.schema ? validate(options.schema, form.toObject(), 'The form') : form
  }

  /**
   * The parts of a multipart body one after the other, while they arrive: for uploads of any size in little memory.
   * What is not read of a part is skipped. The body limit holds for all parts together.
   *
   * The loop throws `HttpUnsupportedMediaType` unless the type is `multipart/*`, `HttpBadRequest` for a body that is
   * malformed or ends too early, `HttpContentTooLarge` over one of the `limits`, and what {@link RequestContent.bytes} throws.
   *
   * @example
   * ```ts
   * import { Application, json } from '@allium/core'
   *
   * const app = new Application()
   * app.post('/sizes', async request => {
   *   const sizes: Record<string, number> = {}
   *   for await (const part of request.multipart()) {
   *     let size = 0
   *     for await (const piece of part.stream()) size += (piece as Buffer).length
   *     sizes[part.name] = size
   *   }
   *   return json(sizes)
   * }, { bodyLimit: 5 * 1024 ** 3 })
   * ```
   */
  multipart(this: RequestContent, options?: FormOptions | undefined): AsyncIterable<MultipartPart> {
    assertCalledOnRequest(this, 'multipart')
    return this.#contents().multipart(options?.limits)
  }

  /**
   * The query as what the `schema` makes of it. It is given an object in which repeated names have lists.
   *
   * @throws ValidationError when the query does not fit
   */
  parseQuery<Schema extends StandardSchemaV1>(
    this: RequestContent,
    schema: Schema,
  ): Promise<StandardSchemaV1.InferOutput<Schema>> {
    assertCalledOnRequest(this, 'parseQuery')
    return validate(schema, groupFields(this.query), 'The query')
  }

  #contents(): RequestBody {
    return (this.#body ??= new RequestBody(this, this.#limit, this.#exchange))
  }
}
