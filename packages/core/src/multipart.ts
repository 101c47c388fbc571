import type { Readable } from 'node:stream'

import { parseFormDisposition } from './form-disposition.ts'
import type { FormDisposition } from './form-disposition.ts'
import type { CompleteFormLimits } from './form-limits.ts'
import type { Headers } from './headers.ts'
import { HttpBadRequest, HttpContentTooLarge, HttpUnsupportedMediaType } from './http-error.ts'
import type { MediaType } from './media-type.ts'
import { MultipartParser } from './multipart-parser.ts'
import type { MultipartEvent, PartHead } from './multipart-parser.ts'
import { MultipartPart } from './multipart-part.ts'
import { PartContent } from './part-content.ts'

const PLAIN_ENCODINGS = ['7bit', '8bit', 'binary']

/**
 * Takes the parts out of a multipart body while it arrives.
 *
 * @param open begins to read the body
 * @throws HttpUnsupportedMediaType unless the type is `multipart/*`
 * @throws HttpBadRequest for a malformed body, HttpContentTooLarge over the limits
 */
export async function* readParts(
  open: () => Readable,
  type: MediaType | null,
  limits: CompleteFormLimits,
): AsyncGenerator<MultipartPart, void, undefined> {
  if (!type?.essence.startsWith('multipart/')) {
    throw new HttpUnsupportedMediaType('Send the body as multipart/form-data')
  }
  const parser = new MultipartParser(type.parameters.get('boundary'), limits)
  const admission = new PartAdmission(type.essence === 'multipart/form-data', limits)
  const source = open()
  const events = parse(source, parser)
  let content: PartContent | undefined
  try {
    for (let step = await events.next(); !step.done; step = await events.next()) {
      const { headers } = step.value as PartHead // the end of the part before has been read
      const { name, filename, limit } = admission.admit(headers)
      content = new PartContent(events, limit, `The part "${name}"`)
      yield new MultipartPart(name, filename, headers, content)
      await content.skip()
    }
  } finally {
    content?.leave()
    source.destroy()
  }
}

async function* parse(
  source: Readable,
  parser: MultipartParser,
): AsyncGenerator<MultipartEvent, void, undefined> {
  for await (const chunk of source) yield* parser.push(chunk as Buffer)
  parser.finish()
}

/** Looks at the head of each part, and counts. */
class PartAdmission {
  readonly #isForm: boolean
  readonly #limits: CompleteFormLimits
  #fields = 0
  #files = 0

  constructor(isForm: boolean, limits: CompleteFormLimits) {
    this.#isForm = isForm
    this.#limits = limits
  }

  admit(headers: Headers): { name: string; filename: string | undefined; limit: number } {
    const { nameLength, fieldSize, fileSize } = this.#limits
    const { name, filename } = readDisposition(headers)
    if (name === undefined && this.#isForm) throw new HttpBadRequest('A part of the form has no name')
    if (name !== undefined && Buffer.byteLength(name) > nameLength) {
      throw tooMany(nameLength, `The name of a part is longer than ${nameLength} bytes`)
    }
    const encoding = headers.get('content-transfer-encoding')?.toLowerCase() ?? 'binary'
    if (!PLAIN_ENCODINGS.includes(encoding)) {
      throw new HttpUnsupportedMediaType('Send parts without a Content-Transfer-Encoding (RFC 7578 §4.7)')
    }
    this.#count(filename)
    return { name: name ?? '', filename, limit: filename === undefined ? fieldSize : fileSize }
  }

  #count(filename: string | undefined): void {
    const { fields, files } = this.#limits
    if (filename === undefined) this.#fields++
    else this.#files++
    if (this.#fields > fields) throw tooMany(fields, `The form has more than ${fields} fields`)
    if (this.#files > files) throw tooMany(files, `The form has more than ${files} files`)
  }
}

function readDisposition(headers: Headers): FormDisposition {
  const value = headers.get('content-disposition')
  return value === null ? { name: undefined, filename: undefined } : parseFormDisposition(value)
}

function tooMany(limit: number, message: string): HttpContentTooLarge {
  return new HttpContentTooLarge(limit, { message })
}
