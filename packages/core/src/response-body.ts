import { Readable } from 'node:stream'
import { types } from 'node:util'

import { FileBody } from './file-body.ts'

/** What a response can carry. */
export type ResponseBody =
  | string
  | Uint8Array
  | Readable
  | ReadableStream<Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | Blob
  | FormData
  | URLSearchParams
  | null

/** A body that is there at once, and may be sent in one piece. */
export type WholeBody = string | Uint8Array | null

/** A body that is read piece by piece, when the headers have left. */
export type StreamedBody = Readable | ReadableStream<Uint8Array> | AsyncIterable<string | Uint8Array>

/** A body in the form in which it is sent, with what it says about itself. */
export interface SendableBody {
  readonly content: WholeBody | StreamedBody
  /** Media type, `undefined` when the body does not say. */
  readonly type: string | undefined
  /** Length of a streamed body in bytes, where it is known. */
  readonly length: number | undefined
}

/** A streamed body being read. */
export interface BodyReader {
  /** The next piece. */
  next(): Promise<IteratorResult<string | Uint8Array, unknown>>
  /** Gives back a piece that was sent and is not needed: a source may use its memory again. */
  recycle(piece: string | Uint8Array): void
  /** Nobody wants the rest: closes the source. Settles when that has let go, and never rejects. */
  cancel(): Promise<unknown>
}

const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8'
const BYTES_TYPE = 'application/octet-stream'

/** Whether a body is sent in one piece. */
export function isWhole(body: unknown): body is WholeBody {
  // By type tag, not by class: a Uint8Array of another realm (a Jest sandbox) is one too.
  return body === null || typeof body === 'string' || types.isUint8Array(body)
}

/**
 * Reduces the kinds of bodies to those that are sent.
 *
 * @throws TypeError for anything that is not a {@link ResponseBody}
 */
export function toSendable(body: unknown): SendableBody {
  if (body instanceof URLSearchParams) return { content: body.toString(), type: FORM_TYPE, length: undefined }
  if (body instanceof Blob) {
    return { content: body.stream(), type: body.type || BYTES_TYPE, length: body.size }
  }
  if (body instanceof FormData) {
    // The platform knows how to write multipart/form-data, and which boundary it chose.
    const encoded = new globalThis.Response(body)
    return {
      content: encoded.body,
      type: encoded.headers.get('content-type') ?? undefined,
      length: undefined,
    }
  }
  if (body instanceof Readable) {
    // A source may fail before anybody reads it; without a listener that would end the process.
    body.on('error', () => {})
    return { content: body, type: BYTES_TYPE, length: undefined }
  }
  if (isStreamed(body)) return { content: body, type: BYTES_TYPE, length: undefined }
  throw new TypeError(
    `Cannot make a response of a body of type ${typeof body}: give text, bytes, a stream, an async iterable, a Blob, a FormData or URLSearchParams`,
  )
}

/** Begins to read a streamed body. */
export function readerOf(body: StreamedBody): BodyReader {
  return body instanceof ReadableStream ? streamReader(body) : iteratorReader(body)
}

/** Closes a body that nobody will read. Never throws. */
export function discardBody(body: WholeBody | StreamedBody): void {
  if (!isWhole(body)) void readerOf(body).cancel()
}

/**
 * Closes a body that somebody may have read from, if it is one that can be closed without being begun: asking an
 * iterable for its iterator might open what it stands for. Never throws.
 */
export function abandonBody(body: StreamedBody): void {
  if (body instanceof ReadableStream || body instanceof Readable || 'next' in body)
    void readerOf(body).cancel()
}

function isStreamed(body: unknown): body is ReadableStream<Uint8Array> | AsyncIterable<string | Uint8Array> {
  if (typeof body !== 'object' || body === null) return false
  return body instanceof ReadableStream || Symbol.asyncIterator in body
}

function streamReader(stream: ReadableStream<Uint8Array>): BodyReader {
  // Not its iterator: that would wait for a pending read before it lets go of the source.
  const reader = stream.locked ? undefined : stream.getReader()
  return {
    next: async () => {
      if (!reader) throw new TypeError('Cannot send a ReadableStream that somebody else reads')
      const step = await reader.read()
      return step.done ? { done: true, value: undefined } : step
    },
    recycle: () => {},
    cancel: async () => reader?.cancel().catch(() => {}),
  }
}

function iteratorReader(source: Readable | AsyncIterable<string | Uint8Array>): BodyReader {
  const iterator = source[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    recycle: piece => {
      if (source instanceof FileBody && typeof piece !== 'string') source.recycle(piece)
    },
    cancel: async () => {
      if (source instanceof Readable) return void source.destroy()
      // A generator that is waiting comes to its `finally` once it goes on; an iterator may react at once.
      await leave(iterator).catch(() => {})
    },
  }
}

async function leave(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.()
}
