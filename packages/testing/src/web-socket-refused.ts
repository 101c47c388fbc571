import type { TestResponse } from './test-response.ts'

/** The server has answered a request for a WebSocket like any other: thrown by {@link TestClient.ws}. */
export class WebSocketRefused extends Error {
  /** `WebSocketRefused`. */
  override readonly name = 'WebSocketRefused'
  /** What it has answered. */
  readonly response: TestResponse

  /** @internal Made by a client. */
  constructor(message: string, response: TestResponse) {
    super(message)
    this.response = response
  }
}
