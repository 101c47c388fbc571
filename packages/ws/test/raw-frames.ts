import type { RawConnection, TestClient } from '@allium/testing'

/** What a frame is made of; a client's own is masked, with a mask of zeros. */
export interface FrameParts {
  readonly opcode: number
  readonly payload?: string | Buffer | undefined
  /** Default 8: FIN only. */
  readonly flags?: number | undefined
  readonly isMasked?: boolean | undefined
  readonly mask?: readonly [number, number, number, number] | undefined
}

/** The bytes of a frame (RFC 6455 §5.2). */
export function frame({
  opcode,
  payload = '',
  flags = 8,
  isMasked = true,
  mask = [0, 0, 0, 0],
}: FrameParts): Buffer {
  const data = Buffer.from(payload)
  const maskBit = isMasked ? 0x80 : 0
  const head = [(flags << 4) | opcode]
  if (data.length < 126) head.push(maskBit | data.length)
  else if (data.length < 65_536) head.push(maskBit | 126, data.length >> 8, data.length & 255)
  else {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(data.length))
    head.push(maskBit | 127, ...length)
  }
  if (!isMasked) return Buffer.concat([Buffer.from(head), data])
  const masked = mask.some(byte => byte !== 0) ? data.map((byte, i) => byte ^ (mask[i & 3] ?? 0)) : data
  return Buffer.concat([Buffer.from([...head, ...mask]), masked])
}

/** The whole frames that these bytes are, of a server or, unmasked, of a client. */
export function readFrames(bytes: Buffer): { opcode: number; payload: Buffer }[] {
  const frames = []
  for (let at = 0; at < bytes.length;) {
    const isMasked = bytes.readUInt8(at + 1) > 127
    const short = bytes.readUInt8(at + 1) & 127
    const size = short < 126 ? 0 : short === 126 ? 2 : 8
    const length =
      size === 0 ? short : size === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + 2 + size + (isMasked ? 4 : 0)
    const payload = bytes.subarray(start, start + length)
    const mask = bytes.subarray(start - 4, start)
    frames.push({
      opcode: bytes.readUInt8(at) & 15,
      payload: isMasked ? Buffer.from(payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0))) : payload,
    })
    at = start + length
  }
  return frames
}

/** Opens a WebSocket of which every byte is the test's. */
export async function openRaw(client: TestClient, path = '/', fields = ''): Promise<RawConnection> {
  const raw = client.connect()
  await raw.send(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`,
  )
  await raw.receiveUntil('\r\n\r\n')
  return raw
}

/** The bytes of a close frame of the server's, one character each. */
export function closeFrame(code: number, reason = ''): string {
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)])
  return frame({ opcode: 8, payload, isMasked: false }).toString('latin1')
}
