import { decodePath } from '@allium/router'

import { isHost } from './host.ts'

/** A request target, read once, for every layer alike (RFC 9112 §3.2). */
export interface RequestTarget {
  /** The path as it was sent, without the query. */
  readonly rawPath: string
  /** The path with each segment decoded once, `%2F`, `%5C` and `%25` left as they are. */
  readonly path: string
  /** The text after the first `?`, without it. */
  readonly queryText: string
  /** From an absolute-form target, where it outranks the `Host` field. */
  readonly authority: string | undefined
}

/** Why a target is refused, in words that may be shown to the client. */
export type TargetError = string

const ASTERISK: RequestTarget = { rawPath: '*', path: '*', queryText: '', authority: undefined }
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i

/**
 * Reads a request target: origin-form, absolute-form, or `*` for `OPTIONS`.
 *
 * @returns the parts, or the reason why the request is a 400: another form, a fragment, a backslash, a control or
 *   non-ASCII character, an escape that does not decode to UTF-8, or NUL
 */
export function parseRequestTarget(method: string, target: string): RequestTarget | TargetError {
  if (target.charCodeAt(0) === 0x2f /* / */) return parseOriginForm(target, undefined)
  if (target === '*' && method === 'OPTIONS') return ASTERISK

  const absolute = ABSOLUTE_FORM.exec(target)
  if (!absolute) return 'The request target is neither a path nor an http URL'
  const [, authority, rest] = absolute as unknown as [string, string, string] // both groups always take part
  if (!isHost(authority)) return 'The host in the request target is not valid'
  return parseOriginForm(rest.startsWith('/') ? rest : `/${rest}`, authority)
}

function parseOriginForm(target: string, authority: string | undefined): RequestTarget | TargetError {
  // One pass over the characters: this runs for every request, and nearly every target is plain.
  let end = -1
  let escaped = false
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f || code === 0x5c /* \ */ || code === 0x23 /* # */) {
      return 'The request target holds a character that must be percent-encoded'
    }
    if (end !== -1) continue
    if (code === 0x3f /* ? */) end = i
    else if (code === 0x25 /* % */) escaped = true
  }
  const rawPath = end === -1 ? target : target.slice(0, end)
  const path = escaped ? decodePath(rawPath) : rawPath
  if (path === undefined) return 'The path holds an escape that does not decode'
  return { rawPath, path, queryText: end === -1 ? '' : target.slice(end + 1), authority }
}
