import { Headers } from './headers.ts'

// Framing, routing, authentication, and what tells how to read the content: RFC 9110 §6.5.1.
const FORBIDDEN = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'location',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'www-authenticate',
])

/**
 * Fields that follow a body instead of preceding it, such as a checksum of what was streamed. They reach the
 * client only behind a body that is sent in chunks, and many clients ignore them.
 */
export class Trailers extends Headers {
  /** @throws TypeError for a name that may not stand in a trailer (RFC 9110 §6.5.1), or that HTTP does not allow */
  override set(name: string, value: string): void {
    super.set(validTrailer(name), value)
  }

  /** @throws TypeError for a name that may not stand in a trailer (RFC 9110 §6.5.1), or that HTTP does not allow */
  override append(name: string, value: string): void {
    super.append(validTrailer(name), value)
  }
}

function validTrailer(name: string): string {
  if (!FORBIDDEN.has(name.toLowerCase())) return name
  throw new TypeError(`Cannot send "${name}" as a trailer: it has a meaning only before the body`)
}
