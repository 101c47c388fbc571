/** What one proxy says about the request as it got it: parameters by lower-case name, quotes taken off (RFC 7239 §4). */
export type ForwardedElement = ReadonlyMap<string, string>

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c

// Groups: name, value as a token, value as a quoted string. What may follow is the next parameter or the end.
const PARAMETER =
  /[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?(?:;|$)/y

/**
 * Reads a `Forwarded` field from its right end, element by element, each when it is asked for: the proxies nearest to the
 * server come first, and nothing that a client wrote further left can change how theirs are read. An element that is not
 * well-formed is `undefined`, and the last one.
 */
export function* elementsFromRight(field: string): Generator<ForwardedElement | undefined, void> {
  for (let end = field.length; end >= 0;) {
    const comma = lastSeparator(field, end)
    const text = field.slice(comma + 1, end).trim()
    end = comma
    if (text === '') continue // RFC 9110 §5.6.1: empty elements of a list do not count
    const element = parseElement(text)
    yield element
    if (element === undefined) return
  }
}

/** Where the last element of a field that ends there begins: the comma before it, or -1. */
function lastSeparator(field: string, end: number): number {
  let isQuoted = false
  for (let i = end - 1; i >= 0; i--) {
    const code = field.charCodeAt(i)
    if (code === QUOTE) {
      // From the right, a quote is known to be escaped by the backslashes before it; each is looked at once.
      let first = i
      while (field.charCodeAt(first - 1) === BACKSLASH) first--
      if ((i - first) % 2 === 0) isQuoted = !isQuoted
      i = first
    } else if (code === COMMA && !isQuoted) return i
  }
  return -1
}

function parseElement(text: string): ForwardedElement | undefined {
  const parameters = new Map<string, string>()
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < text.length) {
    const match = PARAMETER.exec(text)
    if (!match) return undefined
    const [, name, token, quoted] = match
    if (name === undefined) continue
    const key = name.toLowerCase()
    if (parameters.has(key)) return undefined // RFC 7239 §4: each at most once
    parameters.set(key, token ?? quoted!.replace(/\\(.)/g, '$1'))
  }
  return parameters
}
