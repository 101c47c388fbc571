import { Readable } from 'node:stream'

import type { EncodedForm, MultipartInit } from './multipart-form.ts'
import { toFields } from './request-fields.ts'
import type { FieldsInit } from './request-fields.ts'

/** What a request can be given as a body: bytes, text in UTF-8, a `Blob`, or a stream, which is sent in chunks. */
export type RequestBody = string | Uint8Array | Blob | AsyncIterable<string | Uint8Array>

/** The body of a request: at most one of these. */
export interface RequestBodyInit {
  /** Sent as JSON, as `application/json`. */
  readonly json?: unknown
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: FieldsInit | undefined
  /** Sent as `multipart/form-data`; a `File` brings its name and its type. */
  readonly multipart?: MultipartInit | undefined
  /** Sent as it is; without a `Content-Type` unless the headers have one, or a `Blob` its own. */
  readonly body?: RequestBody | undefined
}

/** Header fields by lower-case name; those without a value are not sent. */
export type HeaderMap = Map<string, string | string[] | undefined>

/**
 * The body as it is sent. Adds the headers that describe it, unless there are such.
 *
 * @param encoded the multipart form, encoded
 * @throws TypeError for two bodies, and for what JSON cannot express
 */
export function encodeBody(
  init: RequestBodyInit,
  headers: HeaderMap,
  encoded?: EncodedForm | undefined,
): Uint8Array | Readable | undefined {
  const given = (['json', 'form', 'multipart', 'body'] as const).filter(name => init[name] !== undefined)
  if (given.length > 1) throw new TypeError(`Cannot send a request with both "${given[0]}" and "${given[1]}"`)

  const body = encoded ? bytesOfForm(encoded, headers) : bytesOf(init, headers)
  if (body === undefined || headers.has('content-length') || headers.has('transfer-encoding')) return body
  // Node leaves both out for GET and DELETE, and the body would be taken for the next request.
  if (body instanceof Readable) headers.set('transfer-encoding', 'chunked')
  else headers.set('content-length', String(body.length))
  return body
}

function bytesOfForm({ type, bytes }: EncodedForm, headers: HeaderMap): Uint8Array {
  addDefault(headers, 'content-type', type)
  return bytes
}

function bytesOf(
  { json, form, body }: RequestBodyInit,
  headers: HeaderMap,
): Uint8Array | Readable | undefined {
  if (json !== undefined) {
    addDefault(headers, 'content-type', 'application/json')
    return Buffer.from(toJson(json))
  }
  if (form !== undefined) {
    addDefault(headers, 'content-type', 'application/x-www-form-urlencoded')
    return Buffer.from(toFields(form).toString())
  }
  if (body === undefined) return undefined
  if (typeof body === 'string') return Buffer.from(body)
  if (isBlob(body)) return streamOfBlob(body, headers)
  return Symbol.asyncIterator in body ? toReadable(body) : body
}

function streamOfBlob(blob: Blob, headers: HeaderMap): Readable {
  if (blob.type !== '') addDefault(headers, 'content-type', blob.type)
  addDefault(headers, 'content-length', String(blob.size))
  return Readable.from(blob.stream())
}

/** By its members: another realm, as Jest makes them, has a class of its own. */
function isBlob(body: object): body is Blob {
  return 'size' in body && 'type' in body && 'arrayBuffer' in body
}

function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`Cannot send a ${typeof value} as JSON`)
  return text
}

function toReadable(body: AsyncIterable<string | Uint8Array>): Readable {
  return body instanceof Readable ? body : Readable.from(body)
}

function addDefault(headers: HeaderMap, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value)
}
