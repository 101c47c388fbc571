/** Connections that are open at once, each with one request at a time. */
export const CONNECTIONS = 64

/** What one burst of requests came to. */
export interface LoadFigures {
  readonly responses: number
  readonly seconds: number
  /** The latency that 99 % of the responses kept, in milliseconds. */
  readonly p99: number
  /** Responses that were no success, and connections that failed. */
  readonly errors: number
}
