const KEPT_ESCAPE = /%(?:25|2F|5C)/gi

/**
 * Decodes the path of a request into the path form, the one spelling that {@link Router.match}, prefixes and guards
 * compare: every segment percent-decoded exactly once, except that `%2F`, `%5C` and `%25` stay encoded, in upper case.
 * So a slash in it always separates, an escaped one never does, and nothing is left to decode twice. Duplicate slashes,
 * dot segments, case and trailing slashes are left as they are (RFC 3986 §2.4, §6.2.2).
 *
 * @param rawPath the path as it was sent, without the query
 * @returns the path form; `undefined` when an escape is broken or is not UTF-8, or for NUL: answer 400
 *
 * @example
 * ```ts
 * import { decodePath } from '@allium/router'
 *
 * decodePath('/caf%C3%A9/a%2fb') // '/café/a%2Fb'
 * decodePath('/%zz') // undefined
 * ```
 */
export function decodePath(rawPath: string): string | undefined {
  const path = rawPath.includes('%') ? decodeEscapes(rawPath) : rawPath
  return path?.includes('\0') ? undefined : path
}

/**
 * Splits the value of a wildcard, or any other piece of the path form, into segments and decodes what was still
 * encoded: `'a%2Fb/c'` becomes `['a/b', 'c']`. A segment may hold a slash, a backslash, or be `..`: check each before
 * it becomes part of a file name.
 *
 * @example
 * ```ts
 * import { decodeSegments } from '@allium/router'
 *
 * decodeSegments('docs/100%25.txt') // ['docs', '100%.txt']
 * ```
 */
export function decodeSegments(path: string): string[] {
  return path.split('/').map(segment => segment.replace(KEPT_ESCAPE, decodeURIComponent))
}

function decodeEscapes(rawPath: string): string | undefined {
  try {
    return decodeURIComponent(rawPath.replace(KEPT_ESCAPE, escape => `%25${escape.slice(1).toUpperCase()}`))
  } catch {
    return undefined // a URIError: the only thing that decodeURIComponent throws
  }
}
