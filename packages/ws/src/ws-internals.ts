import type { RawWebSocket } from './ws-server.ts'
import { toLibrarySize } from './ws-server.ts'

// What the library keeps to itself, and is changed here all the same: nowhere else.
interface Internals {
  readonly _receiver: { _maxPayload?: number }
  readonly _extensions: { readonly 'permessage-deflate'?: Inflating }
}

interface Inflating {
  _maxPayload?: number
  decompress(data: Buffer, fin: boolean, callback: (...result: unknown[]) => void): void
}

/**
 * Changes how large messages may be, from the next frame on.
 *
 * @throws Error for a version of the library that keeps its limit elsewhere
 */
export function limitMessages(webSocket: RawWebSocket, bytes: number): void {
  const { receiver, inflating } = internalsOf(webSocket)
  receiver._maxPayload = toLibrarySize(bytes)
  if (inflating) inflating._maxPayload = toLibrarySize(bytes)
}

/**
 * Has every compressed frame wait before it is inflated: a few bytes that were received while nobody reads would become many
 * large messages otherwise.
 *
 * @param whenRoom calls back, at once or later
 * @throws Error for a version of the library that inflates elsewhere
 */
export function gateInflation(webSocket: RawWebSocket, whenRoom: (go: () => void) => void): void {
  const { inflating } = internalsOf(webSocket)
  if (!inflating) return
  const decompress = inflating.decompress.bind(inflating)
  inflating.decompress = (...frame) => whenRoom(() => decompress(...frame))
}

function internalsOf(webSocket: RawWebSocket): {
  receiver: Internals['_receiver']
  inflating?: Inflating | undefined
} {
  const { _receiver: receiver, _extensions: extensions } = webSocket as Partial<Internals>
  const inflating = extensions?.['permessage-deflate']
  if (
    typeof receiver?._maxPayload !== 'number' ||
    (inflating && (typeof inflating._maxPayload !== 'number' || typeof inflating.decompress !== 'function'))
  ) {
    throw new Error(
      'Cannot limit messages: this version of "ws" is made otherwise, install one of 8.23 or later below 9',
    )
  }
  return { receiver, inflating }
}
