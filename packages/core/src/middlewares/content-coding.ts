import type { Transform } from 'node:stream'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'

/** Content codings that {@link compression} applies; `zstd` where Node has it, from 22.15 on. */
export type ContentCoding = 'br' | 'zstd' | 'gzip'

/** How one coding is applied. */
interface Coder {
  /** Codes bytes that are there, off the event loop. */
  encode(bytes: Uint8Array): Promise<Buffer>
  /**
   * Makes a stream that gives out at once what it is given.
   *
   * @param isLong whether it may be open for hours, with thousands beside it: memory counts then, not size
   */
  createEncoder(isLong: boolean): Transform
}

/** What newer lines of Node have, and the types of the oldest supported one do not know. */
interface Zstd {
  readonly zstdCompress: (
    bytes: Uint8Array,
    options: object,
    callback: (error: Error | null, result: Buffer) => void,
  ) => void
  readonly createZstdCompress: (options: object) => Transform
}

// The same on every supported Node, which may not have the names.
const ZSTD = { FLUSH: 1, LEVEL: 100, WINDOW_LOG: 101 }
const { BROTLI_OPERATION_FLUSH, BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT, Z_SYNC_FLUSH } = zlib.constants

const brotliCompress = promisify(zlib.brotliCompress)
const gzip = promisify(zlib.gzip)

// Levels are those at which answers made on the fly cost no more than gzip always has. An open encoder takes some 800
// (br), 1000 (zstd) and 300 KiB (gzip), one that is long open 70, 160 and 150 KiB (measured on Node 24).
const br: Coder = {
  encode: bytes =>
    brotliCompress(bytes, {
      params: { [BROTLI_PARAM_QUALITY]: 4, [BROTLI_PARAM_SIZE_HINT]: bytes.byteLength },
    }),
  createEncoder: isLong =>
    zlib.createBrotliCompress({
      flush: BROTLI_OPERATION_FLUSH,
      params: { [BROTLI_PARAM_QUALITY]: isLong ? 1 : 4 },
    }),
}

const gzipCoder: Coder = {
  encode: bytes => gzip(bytes, { level: 6 }),
  createEncoder: isLong =>
    zlib.createGzip({ flush: Z_SYNC_FLUSH, level: 6, ...(isLong ? { windowBits: 12, memLevel: 5 } : {}) }),
}

const coders: ReadonlyMap<ContentCoding, Coder> = new Map<ContentCoding, Coder>([
  ['br', br],
  ...('createZstdCompress' in zlib ? [['zstd', zstdCoder(zlib as unknown as Zstd)] as const] : []),
  ['gzip', gzipCoder],
])

/** The codings that this Node can apply, best first. */
export const contentCodings: readonly ContentCoding[] = [...coders.keys()]

/** The coder of one of {@link contentCodings}. */
export function coderOf(coding: ContentCoding): Coder {
  return coders.get(coding)!
}

function zstdCoder(api: Zstd): Coder {
  const compress = promisify(api.zstdCompress)
  return {
    encode: bytes => compress(bytes, { params: { [ZSTD.LEVEL]: 3 } }),
    createEncoder: isLong =>
      api.createZstdCompress({
        flush: ZSTD.FLUSH,
        params: isLong ? { [ZSTD.LEVEL]: 1, [ZSTD.WINDOW_LOG]: 17 } : { [ZSTD.LEVEL]: 3 },
      }),
  }
}
