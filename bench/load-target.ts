/** A server that load can be sent to. */
export interface LoadTarget {
  readonly name: string
  /** Where it listens, without a path. */
  readonly origin: string
  /** What every request to it carries. */
  readonly headers: Readonly<Record<string, string>>
  /** What each request carries one of, in turn. */
  readonly cookies: readonly string[]
}
