import { parseByteRanges } from './byte-range.ts'
import type { ByteRange } from './byte-range.ts'
import { matchesStrongly, matchesWeakly, parseEntityTag } from './entity-tag.ts'
import type { EntityTag } from './entity-tag.ts'
import { serializeHttpDate } from './http-date.ts'
import { HttpPreconditionFailed, HttpRangeNotSatisfiable } from './http-error.ts'
import type { RequestConditions } from './request-conditions.ts'
import type { RequestHead } from './request-head.ts'
import { Response } from './response.ts'

/** What tells whether a representation has changed. */
export interface Validators {
  /** As the field has it: `'"v42"'`, or `'W/"v42"'` when equal tags do not promise equal bytes. */
  readonly etag?: string | undefined
  /** When it was changed last; the part below the second does not count. */
  readonly lastModified?: Date | undefined
}

/** A representation of which a part can be sent. */
export interface RangedValidators extends Validators {
  /** Its length in bytes. */
  readonly size: number
}

/** What preconditions say of a request. */
export type Verdict = 'proceed' | 'not modified' | 'failed'

interface ParsedValidators {
  readonly tag: EntityTag | undefined
  readonly seconds: number | undefined
}

/**
 * Answers by the preconditions of a request, for a handler that makes its representation itself: 304 when the client
 * has it already, 412 when the client wants to change a state that has changed meanwhile. Call it before any work
 * that a 304 would spare, and before any change. The order is that of RFC 9110 §13.2.2.
 *
 * @param current what tells of the representation as it is now; `undefined` when there is none
 * @returns a 304 with these validators, for a GET or HEAD to return; `undefined` to go on
 * @throws HttpPreconditionFailed when a condition does not hold
 * @throws TypeError for an `etag` without its quotes
 *
 * @example
 * ```ts
 * import { Application, checkConditions, json } from '@allium/core'
 *
 * const app = new Application()
 * const note = { version: 1, text: 'buy onions' }
 *
 * app.get('/note', request => {
 *   const etag = `"${note.version}"`
 *   return checkConditions(request, { etag }) ?? json(note, { headers: { etag } })
 * })
 * app.put('/note', async request => {
 *   checkConditions(request, { etag: `"${note.version}"` }) // with If-Match nobody overwrites what they have not seen
 *   note.text = await request.text()
 *   return json(note, { headers: { etag: `"${++note.version}"` } })
 * })
 * ```
 */
export function checkConditions(request: RequestHead, current: Validators | undefined): Response | undefined {
  const verdict = evaluate(request.conditions, request.method, current)
  if (verdict === 'proceed') return undefined
  if (verdict === 'failed') throw new HttpPreconditionFailed()
  const response = new Response(null, { status: 304 })
  const { etag, lastModified } = current! // only what is there can be unmodified
  if (etag !== undefined) response.headers.set('etag', etag)
  if (lastModified) response.headers.set('last-modified', serializeHttpDate(lastModified))
  return response
}

/**
 * The parts of a representation that a request asks for, after {@link checkConditions}. They are inside of it, at most
 * 16, and do not overlap. Answer 206: one range with `Content-Range`, several as `multipart/byteranges`.
 *
 * @returns `undefined` for the whole: there is no `Range` field, it is malformed or of another unit, `If-Range` does not
 *   hold, or the method is not GET (RFC 9110 §14.2)
 * @throws HttpRangeNotSatisfiable when all ranges lie outside
 */
export function requestedRanges(
  request: RequestHead,
  representation: RangedValidators,
): readonly ByteRange[] | undefined {
  const field = request.headers.get('range')
  if (field === null || request.method !== 'GET') return undefined
  const isConditional = request.headers.has('if-range')
  if (isConditional && !holds(request.conditions.ifRange, parse(representation))) return undefined
  const { size } = representation
  const ranges = parseByteRanges(field, size)
  if (ranges !== 'unsatisfiable') return ranges
  throw new HttpRangeNotSatisfiable(undefined, { headers: { 'content-range': `bytes */${size}` } })
}

/** The order of RFC 9110 §13.2.2; a missing representation is `undefined`. */
export function evaluate(
  conditions: RequestConditions,
  method: string,
  current: Validators | undefined,
): Verdict {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions
  const { tag, seconds } = parse(current)
  const isRead = method === 'GET' || method === 'HEAD'

  if (ifMatch !== undefined) {
    const holds = ifMatch === '*' ? current : tag && ifMatch.some(other => matchesStrongly(other, tag))
    if (!holds) return 'failed'
  } else if (ifUnmodifiedSince && seconds !== undefined) {
    if (seconds > toSeconds(ifUnmodifiedSince)) return 'failed'
  }

  if (ifNoneMatch !== undefined) {
    const matches =
      ifNoneMatch === '*' ? current : tag && ifNoneMatch.some(other => matchesWeakly(other, tag))
    if (matches) return isRead ? 'not modified' : 'failed'
  } else if (isRead && ifModifiedSince && seconds !== undefined) {
    if (seconds <= toSeconds(ifModifiedSince)) return 'not modified'
  }
  return 'proceed'
}

/** Whether the client's part is one of this representation: the same tag, both strong, or the very same date. */
function holds(ifRange: EntityTag | Date | undefined, { tag, seconds }: ParsedValidators): boolean {
  if (ifRange === undefined) return false
  if (ifRange instanceof Date) return seconds === toSeconds(ifRange)
  return tag !== undefined && matchesStrongly(ifRange, tag)
}

function parse(validators: Validators | undefined): ParsedValidators {
  const { etag, lastModified } = validators ?? {}
  const tag = etag === undefined ? undefined : parseEntityTag(etag)
  if (etag !== undefined && !tag) {
    throw new TypeError(`Cannot use ${etag} as an entity tag: it stands in double quotes, as in "\\"v42\\""`)
  }
  return { tag, seconds: lastModified && toSeconds(lastModified) }
}

function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
