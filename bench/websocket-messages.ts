/** What the bench of WebSockets says to a server over IPC: send this to all clients. */
export interface Broadcast {
  readonly kind: typeof BROADCAST
  /** Characters of each message. */
  readonly size: number
  readonly times: number
}

/** The kind of a {@link Broadcast}. */
export const BROADCAST = 'broadcast'
