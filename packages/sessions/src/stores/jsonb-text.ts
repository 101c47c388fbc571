/**
 * `jsonb` refuses two things that JSON allows: NUL, and half a surrogate pair. Here they are stored as an escape character
 * (U+001B) with their four digits behind it, and so is that character itself.
 */

/** What `jsonb` would refuse, escaped as `JSON.stringify` does it; a backslash of the text comes as a pair, and is passed over. */
const REFUSED = /\\(?:u(0000|001b|d[89a-f][\da-f]{2})|.)/g
const ESCAPED = /\\(?:u001b([\da-f]{4})|.)/g
/** Anything that may have to be escaped, or is spelt in another way than `JSON.stringify` would. */
const SUSPECT = /\\u|\p{Cs}/u

/** JSON that `jsonb` takes. */
export function toJsonb(json: string): string {
  if (!SUSPECT.test(json)) return json
  const spelt = JSON.stringify(JSON.parse(json))
  return spelt.replace(REFUSED, (escape, digits?: string) => (digits ? `\\u001b${digits}` : escape))
}

/** The JSON that {@link toJsonb} was given, from the text of a `jsonb`. */
export function fromJsonb(text: string): string {
  if (!text.includes('\\u001b')) return text
  return text.replace(ESCAPED, (escape, digits?: string) => (digits ? `\\u${digits}` : escape))
}
