import type { Request } from './request.ts'
import type { Response } from './response.ts'

/**
 * A response that depends on the request it answers, such as a file of which the client wants a part, or has a copy
 * already. The layer that returns it settles it at once, inside the onion: middlewares further out see the response
 * that it became, or the error.
 */
export abstract class DeferredResponse {
  /**
   * Makes the response for this request.
   *
   * @throws HttpError when the answer is an error
   */
  abstract settle(request: Request): Response | Promise<Response>
}
