/**
 * Why a request's AbortSignal fires when its session was ended from elsewhere. A WebSocket closes with the `closeCode`.
 */
export class SessionRevoked extends Error {
  /** 1008: policy violation (RFC 6455 §7.4.1). */
  readonly closeCode = 1008

  constructor() {
    super('The session was ended')
    this.name = 'AbortError' // what libraries that take an AbortSignal look for
  }
}
