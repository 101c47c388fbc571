import { checkConditions, requestedRanges } from './conditional.ts'
import type { RangedValidators } from './conditional.ts'
import { FileBody, readAtOnce, wholeOf } from './file-body.ts'
import type { FileSegment } from './file-body.ts'
import type { FileHead } from './file-head.ts'
import type { Headers } from './headers.ts'
import { parseHttpDate } from './http-date.ts'
import { openFile } from './opened-file.ts'
import type { OpenedFile } from './opened-file.ts'
import { partialContent } from './partial-content.ts'
import { findSibling } from './precompressed.ts'
import type { RequestHead } from './request-head.ts'
import { Response } from './response.ts'

/** A file to answer with. */
export interface FileAnswer {
  readonly path: string
  /** Whether a symlink at the end of the path counts; not so where the path is real, and it has appeared just now. */
  readonly follows: boolean
  readonly status: number
  readonly precompressed: boolean
  readonly head: FileHead
  /** The last word on the header fields. */
  readonly adjust?: ((fields: Headers) => void | Promise<void>) | undefined
}

/** So many bytes are read at once: they leave as one packet, and take half the work. */
const SMALL = 64 * 1024
// Of no use to who has the representation already (RFC 9110 §15.4.5).
const NOT_WITH_304 = ['content-type', 'content-encoding', 'content-language', 'content-disposition']

/**
 * Answers with a file: all of it, the parts that the request asks for, or 304.
 *
 * @returns `undefined` when the file is not there, or may not be read
 * @throws HttpPreconditionFailed, HttpRangeNotSatisfiable as the request's conditions and ranges want it
 */
export async function answerWithFile(
  request: RequestHead,
  answer: FileAnswer,
): Promise<Response | undefined> {
  const { path, follows, precompressed, head, adjust } = answer
  const sibling = precompressed ? await findSibling(path, request.headers.get('accept-encoding')) : undefined
  const opened = sibling && (await openFile(sibling.path, false))
  const file = opened ?? (await openFile(path, follows))
  if (!file) return undefined

  let response: Response | undefined
  try {
    const fields = await head.fieldsFor(path, file, opened && sibling?.coding)
    await adjust?.(fields)
    response = await respond(request, file, fields, answer.status)
    return response
  } finally {
    if (!response?.isStreamed) file.close()
  }
}

async function respond(
  request: RequestHead,
  file: OpenedFile,
  fields: Headers,
  status: number,
): Promise<Response> {
  const { size } = file
  const whole = { segments: wholeOf(file), length: size, status }
  // Conditions and ranges are about what would be a 200 (RFC 9110 §13.2.1).
  if (status !== 200) return send(request, file, fields, whole)

  const validators = validatorsOf(fields, size)
  if (checkConditions(request, validators)) return notModified(fields)
  fields.set('accept-ranges', 'bytes')
  const ranges = requestedRanges(request, validators)
  if (!ranges) return send(request, file, fields, whole)

  const { field, segments, length } = partialContent(ranges, fields.get('content-type')!, size)
  fields.set(...field)
  return send(request, file, fields, { segments, length, status: 206 })
}

async function send(
  request: RequestHead,
  file: OpenedFile,
  fields: Headers,
  content: { segments: readonly FileSegment[]; length: number; status: number },
): Promise<Response> {
  const { segments, length, status } = content
  if (length <= SMALL && request.method !== 'HEAD') {
    return new Response(await readAtOnce(file, segments), { status, headers: fields })
  }
  fields.set('content-length', String(length))
  return new Response(new FileBody(file, segments), { status, headers: fields })
}

function notModified(fields: Headers): Response {
  for (const name of NOT_WITH_304) fields.delete(name)
  return new Response(null, { status: 304, headers: fields })
}

function validatorsOf(fields: Headers, size: number): RangedValidators {
  const modified = fields.get('last-modified')
  return {
    size,
    etag: fields.get('etag') ?? undefined,
    lastModified: modified === null ? undefined : parseHttpDate(modified),
  }
}
