import type { Next, Request, Response } from '@allium/core'

/** Tells the client how long the answer took, where its developer tools look for it. */
export async function timeRequests(request: Request, next: Next): Promise<Response> {
  const start = performance.now()
  const response = await next(request)
  response.headers.set('server-timing', `app;dur=${(performance.now() - start).toFixed(1)}`)
  return response
}
