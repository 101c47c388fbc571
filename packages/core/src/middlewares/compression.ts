import { preferredEncoding } from '../content-negotiation.ts'
import type { Headers } from '../headers.ts'
import type { Middleware } from '../middleware.ts'
import type { Request } from '../request.ts'
import { isWhole } from '../response-body.ts'
import type { StreamedBody } from '../response-body.ts'
import type { Response } from '../response.ts'
import { RouteKey } from '../route-meta.ts'
import type { RouteMetaEntry } from '../route-meta.ts'
import { addVary } from '../vary.ts'
import { coderOf, contentCodings } from './content-coding.ts'
import type { ContentCoding } from './content-coding.ts'
import { EncodedBody } from './encoded-body.ts'

/** What {@link compression} can be given. */
export interface CompressionOptions {
  /**
   * Codings to choose from, the first of those that a client likes equally well; default `br`, `zstd`, `gzip`. One that this
   * Node does not have is left out.
   */
  readonly codings?: readonly ContentCoding[] | undefined
  /** The smallest body that is compressed, in bytes; default 1024. Of streams the length may not be known: they are. */
  readonly threshold?: number | undefined
  /** Whether a body of this `Content-Type` is worth it; default: text, JSON, XML, JavaScript, SVG, plain fonts and the like. */
  readonly isCompressible?: ((contentType: string) => boolean) | undefined
}

const refusesCompression = new RouteKey<true>('uncompressed')

/**
 * Leaves the answers of a route as {@link compression} finds them, for its `meta`. For pages with a secret beside text
 * that comes from the request: who can try many such texts, and sees how long each answer is, reads the secret from
 * that (the BREACH attack).
 */
export const uncompressed: RouteMetaEntry = refusesCompression.with(true)

// Suffixes are those of RFC 6839. Bytes of unknown kind are none of these, nor is what is compressed by itself.
const COMPRESSIBLE =
  /^(?:text\/[^;]+|[^;]+\+(?:json|text|xml|yaml)|application\/(?:json|json5|ndjson|x-ndjson|jsonl|json-seq|manifest|javascript|x-javascript|ecmascript|xml|xml-dtd|yaml|toml|graphql|sql|rtf|wasm|x-www-form-urlencoded)|font\/(?:otf|ttf)|image\/(?:bmp|x-icon|vnd\.microsoft\.icon)|model\/gltf-binary)[\t ]*(?:;|$)/i
/** Digests of the very bytes (RFC 9530), which would not be true any more. */
const DIGESTS = ['content-digest', 'repr-digest', 'content-md5', 'digest']

/**
 * Compresses what clients accept compressed (RFC 9110 §12.5.3), by the weights that they give. Bodies in one piece are
 * compressed off the event loop and get a new `Content-Length`; streams piece by piece, each sent at once, so that event
 * streams stay live, no faster than the client reads.
 *
 * Left alone are small bodies, types not worth it, ranges, what has a `Content-Encoding` or a digest, and answers with
 * `Cache-Control: no-transform`; and what a `StreamResponse` writes by itself. Where another client might have got it
 * compressed, `Vary: Accept-Encoding` says so. A strong `ETag` becomes weak, since the bytes differ; a weak one does
 * not hold in `If-Match`, so mark routes whose clients send that as {@link uncompressed}.
 *
 * Pages with a secret beside text from the request give the secret away by their length (the BREACH attack): mark
 * these as well.
 *
 * @throws TypeError for an unknown coding
 * @throws RangeError for a threshold that is no number of bytes
 *
 * @example
 * ```ts
 * import { Application, json } from '@allium/core'
 * import { compression } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(compression())
 * app.get('/numbers', () => json(Array.from({ length: 1000 }, (_, i) => i)))
 * ```
 */
export function compression(options: CompressionOptions = {}): Middleware {
  const { threshold = 1024, isCompressible = isWorthIt } = options
  const codings = usableCodings(options.codings ?? ['br', 'zstd', 'gzip'])
  if (!(threshold >= 0)) throw new RangeError(`Cannot compress from ${threshold} bytes on`)

  return async function compression(request, next) {
    const response = await next(request)
    if (response.sent || request.route?.meta.has(refusesCompression)) return response
    if (response.status === 304) return describeNotModified(request, response)
    if (!mayBeCompressed(response, isCompressible)) return response

    addVary(response.headers, 'Accept-Encoding')
    const coding = preferredEncoding(request.headers.get('accept-encoding'), codings)
    if (coding === undefined || coding === 'identity' || response.status === 206) return response
    const { body } = response
    if (!isWhole(body)) compressStream(request, response, body, coding, threshold)
    else await compressWhole(response, Buffer.from(body!), coding, threshold)
    return response
  }
}

function usableCodings(codings: readonly ContentCoding[]): ContentCoding[] {
  for (const coding of codings) {
    if (!['br', 'zstd', 'gzip'].includes(coding))
      throw new TypeError(`Cannot compress by "${coding}": it is not known`)
  }
  return codings.filter(coding => contentCodings.includes(coding))
}

function isWorthIt(contentType: string): boolean {
  return COMPRESSIBLE.test(contentType)
}

function mayBeCompressed(response: Response, isCompressible: (contentType: string) => boolean): boolean {
  if (response.body === null) return false
  const { headers } = response
  if (headers.has('content-encoding') || DIGESTS.some(name => headers.has(name))) return false
  const directives = (headers.get('cache-control') ?? '').split(',')
  if (directives.some(directive => directive.trim().toLowerCase() === 'no-transform')) return false
  return isCompressible(typeOf(response))
}

function typeOf({ headers }: Response): string {
  return headers.get('content-type') ?? ''
}

async function compressWhole(
  response: Response,
  bytes: Uint8Array,
  coding: ContentCoding,
  threshold: number,
): Promise<void> {
  if (bytes.byteLength < threshold) return
  const encoded = await coderOf(coding).encode(bytes)
  if (encoded.byteLength >= bytes.byteLength) return
  response.body = encoded
  describeCoding(response.headers, coding)
}

function compressStream(
  request: Request,
  response: Response,
  body: StreamedBody,
  coding: ContentCoding,
  threshold: number,
): void {
  if ((response.streamLength ?? threshold) < threshold) return
  const isLong = typeOf(response).startsWith('text/event-stream')
  const encoded = new EncodedBody(body, () => coderOf(coding).createEncoder(isLong))
  // To HEAD it is discarded; what matters is that its length is not told, since that of GET is not known either.
  response.body = encoded
  describeCoding(response.headers, coding)
}

function describeCoding(headers: Headers, coding: ContentCoding): void {
  headers.set('content-encoding', coding)
  headers.delete('accept-ranges') // those would be of other bytes
  const etag = headers.get('etag')
  if (etag?.startsWith('"')) headers.set('etag', `W/${etag}`)
}

/** A 304 tells the same as the 200 would that the client has stored (RFC 9110 §15.4.5). */
function describeNotModified(request: Request, response: Response): Response {
  const { headers } = response
  addVary(headers, 'Accept-Encoding')
  const etag = headers.get('etag')
  const known = request.headers.get('if-none-match')
  if (etag?.startsWith('"') && known?.includes(`W/${etag}`)) headers.set('etag', `W/${etag}`)
  return response
}
