import { HttpBadRequest, HttpUnsupportedMediaType } from './http-error.ts'

/**
 * Text of bytes that came from outside.
 *
 * @param charset a name of the Encoding Standard; UTF-8 when there is none
 * @param subject what the bytes are, for the message: `The body`
 * @throws HttpUnsupportedMediaType for an unknown charset
 * @throws HttpBadRequest for bytes that are not text in that charset
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined, subject: string): string {
  const decoder = decoderOf(charset)
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new HttpBadRequest(`${subject} is not valid ${decoder.encoding}`, { cause })
  }
}

/** Shared, since making one costs more than a short text: it keeps nothing from one call to the next. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

function decoderOf(charset: string | undefined): InstanceType<typeof TextDecoder> {
  if (charset === undefined) return utf8
  try {
    return new TextDecoder(charset, { fatal: true })
  } catch (cause) {
    throw new HttpUnsupportedMediaType(`The charset "${charset}" is not supported`, { cause })
  }
}
