/** First byte of a message in one frame: FIN and its opcode (RFC 6455 §5.2). */
const TEXT = 0x81
const BYTES = 0x82

/** A whole message as the bytes of an unmasked frame, made once for however many clients. */
export function frameOf(data: string | Uint8Array): Buffer {
  const length = Buffer.byteLength(data)
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(size + length)
  frame[0] = typeof data === 'string' ? TEXT : BYTES
  if (size === 2) {
    frame[1] = length
  } else if (size === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  if (typeof data === 'string') frame.write(data, size)
  else frame.set(data, size)
  return frame
}
