import { randomBytes } from 'node:crypto'

import type { ByteRange } from './byte-range.ts'
import type { FileSegment } from './file-body.ts'

/** Parts of a representation, ready to be sent. */
export interface PartialContent {
  /** What a 206 says of it: `content-range`, or the type that holds the parts. */
  readonly field: readonly [name: 'content-range' | 'content-type', value: string]
  /** What the body consists of. */
  readonly segments: readonly FileSegment[]
  /** Of the body, in bytes. */
  readonly length: number
}

/**
 * Writes one range as it is and several as `multipart/byteranges` (RFC 9110 §14.6).
 *
 * @param type media type of the whole
 * @param size of the whole, in bytes
 */
export function partialContent(ranges: readonly ByteRange[], type: string, size: number): PartialContent {
  const [only] = ranges
  if (ranges.length > 1) return multipart(ranges, type, size)
  return {
    field: ['content-range', contentRange(only!, size)], // ranges are never none
    segments: ranges,
    length: lengthOf(only!),
  }
}

function multipart(ranges: readonly ByteRange[], type: string, size: number): PartialContent {
  const boundary = randomBytes(16).toString('hex') // nobody can have put it into a file
  const segments: FileSegment[] = []
  for (const range of ranges) {
    const head = `\r\n--${boundary}\r\ncontent-type: ${type}\r\ncontent-range: ${contentRange(range, size)}\r\n\r\n`
    segments.push(Buffer.from(head, 'latin1'), range)
  }
  segments.push(Buffer.from(`\r\n--${boundary}--\r\n`))
  const length = segments.reduce((sum, segment) => {
    return sum + (segment instanceof Uint8Array ? segment.length : lengthOf(segment))
  }, 0)
  return { field: ['content-type', `multipart/byteranges; boundary=${boundary}`], segments, length }
}

function contentRange({ first, last }: ByteRange, size: number): string {
  return `bytes ${first}-${last}/${size}`
}

function lengthOf({ first, last }: ByteRange): number {
  return last - first + 1
}
