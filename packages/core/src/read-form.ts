import { Form } from './form.ts'
import type { FormValue } from './form.ts'
import type { CompleteFormLimits } from './form-limits.ts'
import { HttpBadRequest, HttpContentTooLarge } from './http-error.ts'
import type { MultipartPart } from './multipart-part.ts'
import type { TemporaryFiles } from './temporary-files.ts'
import { spoolFile } from './uploaded-file.ts'

/**
 * Reads the text of an `application/x-www-form-urlencoded` body.
 *
 * @throws HttpBadRequest for a percent-encoding that is malformed, or is not UTF-8
 * @throws HttpContentTooLarge over the limits
 */
export function parseUrlencoded(text: string, limits: CompleteFormLimits): Form {
  const { fields: fieldsMax, nameLength, fieldSize } = limits
  const fields: [string, string][] = []
  for (let start = 0, end = 0; end < text.length; start = end + 1) {
    end = text.indexOf('&', start)
    if (end === -1) end = text.length
    if (end === start) continue
    if (fields.length >= fieldsMax) throw tooLarge(fieldsMax, `The form has more than ${fieldsMax} fields`)
    const field = parseField(text.slice(start, end))
    assertLength(field[0], nameLength, 'The name of a field')
    assertLength(field[1], fieldSize, `The field "${field[0]}"`)
    fields.push(field)
  }
  return new Form(fields)
}

/**
 * Reads the parts of a form; files go to the disk when they are large.
 *
 * @throws HttpContentTooLarge over the limits
 * @throws what reading the parts throws
 */
export async function collectParts(
  parts: AsyncIterable<MultipartPart>,
  { fieldsSize }: CompleteFormLimits,
  files: TemporaryFiles,
): Promise<Form> {
  const fields: [string, FormValue][] = []
  let size = 0
  for await (const part of parts) {
    if (part.filename === undefined) {
      size += (await part.bytes()).length
      if (size > fieldsSize) {
        throw tooLarge(
          fieldsSize,
          `The fields of the form are larger than the limit of ${fieldsSize} bytes together`,
        )
      }
      fields.push([part.name, await part.text()])
    } else {
      const file = await spoolFile(part, files)
      // What browsers send when no file was chosen is no file.
      if (file.filename !== '' || file.size > 0) fields.push([part.name, file])
    }
  }
  return new Form(fields)
}

function parseField(text: string): [string, string] {
  const equals = text.indexOf('=')
  return equals === -1
    ? [decodeField(text), '']
    : [decodeField(text.slice(0, equals)), decodeField(text.slice(equals + 1))]
}

function decodeField(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new HttpBadRequest('The form has a malformed percent-encoding, or one that is not UTF-8', { cause })
  }
}

function assertLength(text: string, limit: number, subject: string): void {
  // No character takes more than three bytes, so that most text needs no counting.
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return
  throw tooLarge(limit, `${subject} is larger than the limit of ${limit} bytes`)
}

function tooLarge(limit: number, message: string): HttpContentTooLarge {
  return new HttpContentTooLarge(limit, { message })
}
