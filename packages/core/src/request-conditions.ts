import type { IncomingHttpHeaders } from 'node:http'

import { parseEntityTag, parseEntityTags } from './entity-tag.ts'
import type { EntityTag } from './entity-tag.ts'
import { parseHttpDate } from './http-date.ts'

/**
 * What a request makes its answer depend on (RFC 9110 §13.1). A field that is missing, and a date that is malformed, is
 * `undefined`; a list that is malformed holds no tag, so nothing matches it.
 */
export class RequestConditions {
  /** The tags of which the representation must have one; `'*'`: there must be one at all. */
  readonly ifMatch: readonly EntityTag[] | '*' | undefined
  /** The tags of copies that the client has; `'*'`: there must be no representation. */
  readonly ifNoneMatch: readonly EntityTag[] | '*' | undefined
  /** When the client's copy was changed last. */
  readonly ifModifiedSince: Date | undefined
  /** The representation must not have changed since. */
  readonly ifUnmodifiedSince: Date | undefined
  /** What the client has a part of: ranges of anything else are of no use to it. */
  readonly ifRange: EntityTag | Date | undefined

  /** @internal Made by the request. */
  constructor(fields: IncomingHttpHeaders) {
    this.ifMatch = read(fields['if-match'], parseEntityTags)
    this.ifNoneMatch = read(fields['if-none-match'], parseEntityTags)
    this.ifModifiedSince = read(fields['if-modified-since'], text => parseHttpDate(text))
    this.ifUnmodifiedSince = read(fields['if-unmodified-since'], text => parseHttpDate(text))
    this.ifRange = read(fields['if-range'] as string | undefined, text => {
      return parseEntityTag(text) ?? parseHttpDate(text)
    })
  }
}

function read<Value>(text: string | undefined, parse: (text: string) => Value): Value | undefined {
  return text === undefined ? undefined : parse(text)
}
