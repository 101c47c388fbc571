import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'

import { HttpUnsupportedMediaType } from './http-error.ts'

/** A stream that undoes a coding, and counts the bytes that it took in as part of it. */
export type Decoder = Transform & { readonly bytesWritten: number }

/** Makes a decoder for a body that begins with this byte. */
export type CreateDecoder = (firstByte: number) => Decoder

/** RFC 9659 §3: what a decoder of `zstd` has to provide, and nobody may ask for more. 8 MiB. */
const ZSTD_WINDOW_LOG_MAX = 23

/** What Node learnt later than the oldest version that is supported. */
interface ZstdModule {
  readonly createZstdDecompress?: (options: { params: Record<number, number> }) => Decoder
  readonly zstdDecompressSync?: (bytes: Uint8Array) => Buffer
  readonly constants: { readonly ZSTD_d_windowLogMax?: number }
}

const ZSTD_MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)

const decoders: ReadonlyMap<string, CreateDecoder> = new Map([
  ['gzip', () => zlib.createGunzip()],
  // "deflate" means the zlib format (RFC 9110 §8.4.1.2); some clients leave its two bytes of header out.
  ['deflate', firstByte => (isZlibHeader(firstByte) ? zlib.createInflate() : zlib.createInflateRaw())],
  ['br', () => zlib.createBrotliDecompress()],
  ...zstdDecoders(zlib as ZstdModule), // Node 20 has none, nor have its types
])

/** The codings that are understood, as the value of an `Accept-Encoding` field. */
export const ACCEPTED_CODINGS: string = [...decoders.keys()].join(', ')

/**
 * Finds what undoes the coding of a body.
 *
 * @param contentEncoding the `Content-Encoding` field of the request
 * @returns `undefined` when the body is sent as it is
 * @throws HttpUnsupportedMediaType for an unknown coding, and for several of them, with `Accept-Encoding` in the
 *   answer (RFC 9110 §12.5.3)
 */
export function findDecoder(contentEncoding: string | undefined): CreateDecoder | undefined {
  const coding = contentEncoding?.toLowerCase() ?? ''
  if (coding === '' || coding === 'identity') return undefined
  const createDecoder = decoders.get(coding === 'x-gzip' ? 'gzip' : coding) // RFC 9110 §8.4.1.3
  if (createDecoder) return createDecoder
  throw new HttpUnsupportedMediaType(`Send the body in one content coding at most: ${ACCEPTED_CODINGS}`, {
    headers: { 'accept-encoding': ACCEPTED_CODINGS },
  })
}

/** RFC 1950 §2.2: the low four bits name the method. In raw deflate they would be a block no encoder writes. */
function isZlibHeader(firstByte: number): boolean {
  return (firstByte & 0x0f) === 8
}

function zstdDecoders(zstd: ZstdModule): [string, CreateDecoder][] {
  const { createZstdDecompress, constants } = zstd
  const windowLogMax = constants.ZSTD_d_windowLogMax
  if (createZstdDecompress === undefined || windowLogMax === undefined || !noticesCut(zstd)) return []
  return [['zstd', () => createZstdDecompress({ params: { [windowLogMax]: ZSTD_WINDOW_LOG_MAX } })]]
}

/** The zstd of Node 22 takes the beginning of a frame for all of it, and half a body must not pass for a whole one. */
function noticesCut({ zstdDecompressSync }: ZstdModule): boolean {
  try {
    zstdDecompressSync?.(ZSTD_MAGIC)
    return false
  } catch {
    return true
  }
}
