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
