/** How long sessions live, in milliseconds. */
export interface SessionLifetime {
  /** Without being used; default 24 hours. */
  readonly idleTimeout?: number | undefined
  /** However much they are used, counted from the sign-in; default 7 days, `Infinity` for no such end. */
  readonly absoluteTimeout?: number | undefined
  /**
   * How long a session that is only read goes without a write that prolongs it; default 1 minute, or a tenth of the
   * idle timeout where that is less.
   */
  readonly touchInterval?: number | undefined
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** When sessions end, and when they are due to be prolonged. */
export class Lifetime {
  readonly #idle: number
  readonly #absolute: number
  readonly #touchInterval: number

  /** @throws RangeError for times that are not positive, for an endless idle timeout, or a touch later than that */
  constructor(options: SessionLifetime) {
    const { idleTimeout = DAY, absoluteTimeout = 7 * DAY } = options
    const { touchInterval = Math.min(MINUTE, idleTimeout / 10) } = options
    if (!(idleTimeout > 0 && idleTimeout < Infinity)) refuse('idleTimeout', idleTimeout)
    if (!(absoluteTimeout > 0)) refuse('absoluteTimeout', absoluteTimeout)
    if (!(touchInterval >= 0 && touchInterval < idleTimeout)) refuse('touchInterval', touchInterval)
    this.#idle = idleTimeout
    this.#absolute = absoluteTimeout
    this.#touchInterval = touchInterval
  }

  /** The end of a session that was used at a time. */
  expiry(createdAt: number, lastSeenAt: number): number {
    return Math.min(lastSeenAt + this.#idle, createdAt + this.#absolute)
  }

  /** Whether a session has ended, also by limits that have become shorter since it was stored. */
  isOver(session: { createdAt: number; lastSeenAt: number; expiresAt: number }, now: number): boolean {
    return Math.min(session.expiresAt, this.expiry(session.createdAt, session.lastSeenAt)) <= now
  }

  /** Whether a session has gone unwritten so long that it has to be prolonged. */
  isTouchDue(session: { lastSeenAt: number }, now: number): boolean {
    return now - session.lastSeenAt >= this.#touchInterval
  }
}

function refuse(name: string, value: number): never {
  throw new RangeError(`Cannot limit sessions by ${name} ${value}: see its description`)
}
