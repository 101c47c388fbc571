import { ClientGoneError } from './body.ts'
import { HttpBadRequest, HttpRequestTimeout } from './http-error.ts'
import type { HttpError } from './http-error.ts'

const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  HPE_INVALID_VERSION: '505 HTTP Version Not Supported',
  HPE_PAUSED_H2_UPGRADE: '505 HTTP Version Not Supported', // the preface of HTTP/2
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What is written where no answer is under way, for what Node reports as `clientError`: code and phrase. */
export function refusalStatus({ code }: NodeJS.ErrnoException): string {
  return STATUSES[code ?? ''] ?? '400 Bad Request'
}

/** What the reader of a body gets when the rest of it will not come. */
export function whyBroken(cause: NodeJS.ErrnoException): HttpError {
  if (cause.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new HttpRequestTimeout(undefined, { cause })
  // The parser met the end of the connection within the body: the client has gone.
  if (cause.code === 'HPE_INVALID_EOF_STATE') return new ClientGoneError({ cause })
  return new HttpBadRequest('The body is not framed as HTTP demands', { cause })
}
