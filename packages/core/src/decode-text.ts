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
  const decoder = createDecoder(charset ?? 'utf-8')
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new HttpBadRequest(`${subject} is not valid ${decoder.encoding}`, { cause })
  }
}

function createDecoder(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset, { fatal: true })
  } catch (cause) {
    throw new HttpUnsupportedMediaType(`The charset "${charset}" is not supported`, { cause })
  }
}
