import { isUint8Array } from 'node:util/types'

import type { PreparedRequest } from './request-init.ts'
import type { TestResponse } from './test-response.ts'

const REDIRECTS = [301, 302, 303, 307, 308]
const HEADERS_OF_BODY = ['content-type', 'content-length', 'transfer-encoding', 'expect']

/**
 * The request that a redirect leads to; `undefined` where the response is none (RFC 9110 §15.4).
 *
 * @throws Error for a redirect to another origin, and for one that wants a streamed body again
 */
export function redirectedRequest(
  sent: PreparedRequest,
  response: TestResponse,
): PreparedRequest | undefined {
  const location = response.headers.get('location')
  if (!REDIRECTS.includes(response.status) || location === null) return undefined
  const target = new URL(location, response.url)
  if (target.origin !== new URL(response.url).origin) {
    throw new Error(
      `Cannot follow the redirect to "${location}": it leads to another origin than ${response.url}`,
    )
  }
  return {
    ...(becomesGet(sent, response) ? asGet(sent) : withBody(sent, location)),
    path: target.pathname + target.search,
  }
}

function becomesGet({ method }: PreparedRequest, { status }: TestResponse): boolean {
  return status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST'
}

function asGet({ headers, path }: PreparedRequest): PreparedRequest {
  const kept = [...headers].filter(([name]) => !HEADERS_OF_BODY.includes(name))
  return { method: 'GET', path, headers: new Map(kept), body: undefined }
}

function withBody(sent: PreparedRequest, location: string): PreparedRequest {
  if (sent.body === undefined || isUint8Array(sent.body)) return sent
  throw new Error(
    `Cannot follow the redirect to "${location}": the body was a stream, and cannot be sent twice`,
  )
}
