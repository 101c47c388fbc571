import { randomUUID } from 'node:crypto'

import { RequestKey } from '@allium/core'
import type { Next, Request, Response } from '@allium/core'

/** The id of a request, for logs. */
export const requestId = new RequestKey<string>('request id')

/** Gives each request an id, or keeps the harmless one it came with, and sends it back. */
export async function identifyRequests(request: Request, next: Next): Promise<Response> {
  const given = request.headers.get('x-request-id') ?? ''
  const id = /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
  request.state.set(requestId, id)
  const response = await next(request)
  response.headers.set('x-request-id', id)
  return response
}
