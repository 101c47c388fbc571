import { Headers } from './headers.ts'
import { Response } from './response.ts'

// Of the connection that the response came over (RFC 9110 §7.6.1).
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer']

/**
 * Whether the value is a Fetch `Response`: the global one, that of another realm, or that of a library.
 *
 * @internal
 */
export function isFetchResponse(value: unknown): value is globalThis.Response {
  return Object.prototype.toString.call(value) === '[object Response]' && 'bodyUsed' in (value as object)
}

/**
 * A Fetch `Response` as Allium's own. Its body is not read before it is sent. What `fetch()` has undone, the
 * coding and framing of another connection, is not said of this one.
 *
 * @throws TypeError for `Response.error()`, and for a body that was read already
 */
export function fromFetchResponse(response: globalThis.Response): Response {
  if (response.status === 0) throw new TypeError('Cannot answer with Response.error(): it has no status')
  if (response.bodyUsed)
    throw new TypeError('Cannot answer with a Fetch Response whose body was read already')
  const headers = new Headers()
  response.headers.forEach((value, name) => headers.append(name, value))
  for (const name of HOP_BY_HOP) headers.delete(name)
  if (wasDecoded(response)) {
    headers.delete('content-encoding')
    headers.delete('content-length')
  }
  const own = new Response(response.body, {
    status: response.status,
    statusText: response.statusText || undefined,
    headers,
  })
  if (!headers.has('content-type')) own.headers.delete('content-type') // whoever made it has decided
  return own
}

/** `fetch()` decodes what it receives and leaves the header in place; only its responses have a URL. */
function wasDecoded({ url, headers }: globalThis.Response): boolean {
  return url !== '' && headers.has('content-encoding')
}
