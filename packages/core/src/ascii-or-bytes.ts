/**
 * What can be written behind a head as Latin-1: text as it is where it is ASCII, and the UTF-8 bytes of other text. Node
 * joins a text with the head and writes both in the encoding of the text, but header fields are Latin-1 (RFC 9110 §5.5).
 *
 * @param length of the body in bytes
 */
export function asciiOrBytes(body: string | Uint8Array, length: number): string | Uint8Array {
  return typeof body === 'string' && body.length < length ? Buffer.from(body) : body
}
