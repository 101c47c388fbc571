/** What the server itself has to know of a request's header fields. */
export interface HeadFields {
  /** The `Host` field; `null` when there are several. */
  readonly host: string | null | undefined
  /** The `Expect` field; several of them are joined with commas, as lists are (RFC 9110 §5.3). */
  readonly expect: string | undefined
  /** Whether the client asks for another protocol, whichever. */
  readonly hasUpgrade: boolean
  /** Whether the body comes in chunks, behind which trailers may come. */
  readonly isChunked: boolean
  /** Whether a body is announced, even if that should turn out to be empty. */
  readonly hasBody: boolean
}

/**
 * Reads what the server has to know out of the raw fields, in one pass. Node makes its object of all fields when somebody
 * asks for it: a request that nobody asks saves that: with text copied as Latin-1, 3 to 9 % of a short answer on one
 * machine, and on another nothing that could be told (docs/explanation/speed.md).
 */
export function readHeadFields(rawHeaders: readonly string[]): HeadFields {
  let host: string | null | undefined
  let expect: string | undefined
  let hasUpgrade = false
  let isChunked = false
  let hasBody = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    switch (knownName(rawHeaders[i]!)) {
      case 'host':
        host = host === undefined ? rawHeaders[i + 1] : null
        break
      case 'expect':
        expect = expect === undefined ? rawHeaders[i + 1] : `${expect}, ${rawHeaders[i + 1]}`
        break
      case 'upgrade':
        hasUpgrade = true
        break
      case 'content-length':
        hasBody ||= rawHeaders[i + 1] !== '0'
        break
      case 'transfer-encoding':
        isChunked = hasBody = true
        break
    }
  }
  return { host, expect, hasUpgrade, isChunked, hasBody }
}

/** The name in lower case, if it has the length of one that counts here. */
function knownName(name: string): string | undefined {
  switch (name.length) {
    case 4:
    case 6:
    case 7:
    case 14:
    case 17:
      return name.toLowerCase()
    default:
      return undefined
  }
}
