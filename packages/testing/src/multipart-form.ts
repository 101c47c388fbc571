import type { FieldValue } from './request-fields.ts'

/** What one part of a multipart form can be given as. */
export type PartValue = FieldValue | Blob

/** Parts by name: a list repeats the name, `undefined` is left out, a `File` or a `Blob` is a file. */
export type MultipartInit = FormData | Readonly<Record<string, PartValue | readonly PartValue[] | undefined>>

/** A form as it is sent. */
export interface EncodedForm {
  /** With the boundary. */
  readonly type: string
  readonly bytes: Uint8Array
}

/** Encodes a form as `fetch` would. */
export async function encodeMultipart(init: MultipartInit): Promise<EncodedForm> {
  const encoded = new globalThis.Response(toFormData(init))
  const bytes = new Uint8Array(await encoded.arrayBuffer())
  return { type: encoded.headers.get('content-type')!, bytes } // a form has one
}

function toFormData(init: MultipartInit): FormData {
  const form = new FormData()
  const parts = Symbol.iterator in init ? init : eachPart(init)
  for (const [name, value] of parts as Iterable<[string, PartValue]>) {
    if (typeof value === 'object') form.append(name, value)
    else form.append(name, String(value))
  }
  return form
}

function* eachPart(init: Exclude<MultipartInit, FormData>): Generator<[name: string, value: PartValue]> {
  for (const [name, given] of Object.entries(init)) {
    const values = Array.isArray(given) ? (given as readonly PartValue[]) : [given as PartValue | undefined]
    for (const value of values) if (value !== undefined) yield [name, value]
  }
}
