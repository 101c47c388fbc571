import { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

import type { TestRequestInit } from './request-init.ts'
import type { TestResponse } from './test-response.ts'

/** Sends what a Fetch request says. */
export type FetchSender = (method: string, path: string, init: TestRequestInit) => Promise<TestResponse>

// A Response of these carries no body, and refuses an empty one too (Fetch §6.2).
const NULL_BODY = new Set([101, 103, 204, 205, 304])
const DECODERS = {
  br: createBrotliDecompress,
  deflate: createInflate,
  gzip: createGunzip,
  'x-gzip': createGunzip,
}

/**
 * `fetch` over a test client: the same requests, responses and errors, so that code which takes a `fetch` can be tested.
 *
 * @param origin what relative URLs are resolved against
 */
export function createFetch(origin: string, send: FetchSender): typeof globalThis.fetch {
  return async (input, init) => {
    const request = toRequest(origin, input, init)
    const { pathname, search, host } = new URL(request.url)
    const method = request.method
    const body = await bodyOf(request, init)
    const { signal } = request
    const headers = [['host', host] as const, ...request.headers]
    const follow = request.redirect === 'follow'
    try {
      const response = await send(method, pathname + search, { headers, body, signal, follow })
      return toFetchResponse(response, request)
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw new TypeError('fetch failed', { cause })
    }
  }
}

function toRequest(
  origin: string,
  input: string | URL | globalThis.Request,
  init: RequestInit | undefined,
): globalThis.Request {
  if (typeof input === 'object' && 'url' in input) return new globalThis.Request(input, init)
  return new globalThis.Request(new URL(input, origin), init)
}

/** A body of known length is sent with it, as `fetch` does; a stream in chunks. */
async function bodyOf(
  request: globalThis.Request,
  init: RequestInit | undefined,
): Promise<TestRequestInit['body']> {
  if (!request.body) return undefined
  const isStream = typeof init?.body === 'object' && init.body !== null && Symbol.asyncIterator in init.body
  return isStream ? Readable.fromWeb(request.body) : new Uint8Array(await request.arrayBuffer())
}

function toFetchResponse(response: TestResponse, request: globalThis.Request): globalThis.Response {
  const { status, statusText, url } = response
  if (request.redirect === 'error' && status >= 300 && status < 400 && response.headers.has('location')) {
    throw new Error(`unexpected redirect to ${response.headers.get('location')}`)
  }
  const headers = new globalThis.Headers()
  for (const [name, value] of response.headers) headers.append(name, value)
  const hasBody = !NULL_BODY.has(status) && request.method !== 'HEAD'
  const body = hasBody ? Readable.toWeb(decoded(response)) : null
  const answer = new globalThis.Response(body, { status, statusText, headers })
  Object.defineProperty(answer, 'url', { value: url })
  return Object.defineProperty(answer, 'redirected', { value: url !== request.url })
}

/** The body without the codings that `fetch` undoes. */
function decoded({ body, headers }: TestResponse): Readable {
  const coding = headers.get('content-encoding')?.toLowerCase() ?? ''
  const createDecoder = DECODERS[coding as keyof typeof DECODERS]
  if (!createDecoder) return body
  const decoder = createDecoder()
  body.on('error', error => decoder.destroy(error))
  decoder.on('close', () => body.destroy())
  return body.pipe(decoder)
}
