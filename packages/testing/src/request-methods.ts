import type { PendingResponse } from './pending-response.ts'
import type { RequestArguments, RequestTarget } from './request-init.ts'
import type { ReceivedEvents } from './received-events.ts'

/** One function per HTTP method; each is a {@link RequestMethods.request} of that method. */
export abstract class RequestMethods {
  /** Sends a request of any method. */
  abstract request<Target extends RequestTarget>(
    method: string,
    target: Target,
    ...init: RequestArguments<Target>
  ): PendingResponse

  /** Sends a GET request. */
  get<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('GET', target, ...init)
  }

  /** Sends a POST request. */
  post<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('POST', target, ...init)
  }

  /** Sends a PUT request. */
  put<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('PUT', target, ...init)
  }

  /** Sends a PATCH request. */
  patch<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('PATCH', target, ...init)
  }

  /** Sends a DELETE request. */
  delete<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('DELETE', target, ...init)
  }

  /** Sends a HEAD request. */
  head<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('HEAD', target, ...init)
  }

  /** Sends an OPTIONS request; `'*'` is a path too. */
  options<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('OPTIONS', target, ...init)
  }

  /** Sends a QUERY request: safe, with a body. */
  query<Target extends RequestTarget>(target: Target, ...init: RequestArguments<Target>): PendingResponse {
    return this.request('QUERY', target, ...init)
  }

  /**
   * Sends a GET request for an event stream, and resolves when that has begun.
   *
   * @throws TypeError when the response is none
   */
  async events<Target extends RequestTarget>(
    target: Target,
    ...init: RequestArguments<Target>
  ): Promise<ReceivedEvents> {
    return (await this.request('GET', target, ...init)).events()
  }
}
