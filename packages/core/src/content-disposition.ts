// Everything that RFC 8187 §3.2.1 lets stand as itself; encodeURIComponent leaves four characters too many.
const NOT_ATTRIBUTE = /['()*]/g
const PLAIN = /^[\x20-\x7e]*$/
// Clients decode a quoted name that looks percent-encoded, some of them.
const LOOKS_ENCODED = /%[0-9A-Fa-f]{2}/
// eslint-disable-next-line no-control-regex
const UNWRITABLE = /[\u0000-\u001f\u007f]|\p{Surrogate}/u

/**
 * Writes a `Content-Disposition` field (RFC 6266). A name that is not plain ASCII is sent twice: for old clients with
 * underscores in place of the rest, and as it is (RFC 8187). Slashes and backslashes become underscores: it is the name
 * of a file, not of a place.
 *
 * @param filename `undefined` for none
 * @throws TypeError for a name with control characters or half a surrogate pair (P15), or without any character
 */
export function serializeContentDisposition(
  type: 'attachment' | 'inline',
  filename: string | undefined,
): string {
  if (filename === undefined) return type
  if (filename === '' || UNWRITABLE.test(filename)) {
    throw new TypeError(
      `Cannot use ${JSON.stringify(filename)} as a file name: it is empty, or holds control characters or half of a surrogate pair`,
    )
  }
  const name = filename.replace(/[/\\]/g, '_')
  const plain = name.replace(/[^\x20-\x7e]/gu, '_').replaceAll('"', '\\"')
  const field = `${type}; filename="${plain}"`
  if (PLAIN.test(name) && !LOOKS_ENCODED.test(name)) return field
  return `${field}; filename*=UTF-8''${encodeURIComponent(name).replace(NOT_ATTRIBUTE, percentEncode)}`
}

function percentEncode(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`
}
