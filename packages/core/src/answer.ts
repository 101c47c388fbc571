import { DeferredResponse } from './deferred-response.ts'
import { fromFetchResponse, isFetchResponse } from './fetch-response.ts'
import { isInstance } from './is-instance.ts'
import type { Request } from './request.ts'
import { Response } from './response.ts'

/** What a handler may answer with: a response, one that depends on the request, or a Fetch `Response`. */
export type Answer = Response | DeferredResponse | globalThis.Response

/**
 * The response that an answer stands for; `undefined` when it is not an answer at all.
 *
 * @throws what a deferred response throws when it settles
 */
export async function toResponse(request: Request, answer: unknown): Promise<Response | undefined> {
  if (isInstance(answer, Response)) return answer
  if (isInstance(answer, DeferredResponse)) return answer.settle(request)
  return isFetchResponse(answer) ? fromFetchResponse(answer) : undefined
}
