import type {
  ListedSession,
  SessionInsertion,
  SessionMove,
  SessionRecord,
  SessionReplacement,
  SessionStore,
  SessionTouch,
  StoredSession,
  WriteResult,
} from '../session-store.ts'

/** What a {@link MemoryStore} can be given. */
export interface MemoryStoreOptions {
  /** How many sessions are kept; of more, those go that were written longest ago. Default 100,000. */
  readonly maxSessions?: number | undefined
}

/** How many writes come between two searches for what has expired. */
const SWEEP_EVERY = 1000

/**
 * Keeps sessions in memory: for tests, for development, and for applications of one process that may forget them.
 * Bounded; what has expired is removed as others are written.
 */
export class MemoryStore implements SessionStore {
  readonly #maxSessions: number
  /** In the order in which they were written. */
  readonly #sessions = new Map<string, StoredSession>()
  readonly #ids = new Map<string, Set<string>>()
  #writes = 0

  /** @throws RangeError for a number that is not positive and whole */
  constructor(options: MemoryStoreOptions = {}) {
    const { maxSessions = 100_000 } = options
    if (!(Number.isSafeInteger(maxSessions) && maxSessions > 0)) {
      throw new RangeError(`Cannot keep ${maxSessions} sessions in memory: it is not a positive whole number`)
    }
    this.#maxSessions = maxSessions
  }

  /** How many sessions are kept, with those that have expired and were not removed yet. */
  get size(): number {
    return this.#sessions.size
  }

  read(id: string, now: number): StoredSession | undefined {
    const session = this.#sessions.get(id)
    return session && session.expiresAt > now ? session : undefined
  }

  insert(id: string, { record, now }: SessionInsertion): boolean {
    if (this.#sessions.has(id)) return false
    this.#put(id, { ...record, revision: 1, renewedTo: undefined })
    this.#makeRoom(now)
    return true
  }

  replace(id: string, { record, revision, now }: SessionReplacement): WriteResult {
    const current = this.read(id, now)
    if (!isWritable(current, revision)) return { isWritten: false, current }
    this.#put(id, { ...record, revision: revision + 1, renewedTo: undefined })
    return { isWritten: true }
  }

  move(id: string, { to, record, revision, graceUntil, now }: SessionMove): WriteResult {
    const current = this.read(id, now)
    if (!isWritable(current, revision)) return { isWritten: false, current }
    if (graceUntil === undefined) this.delete(id)
    else this.#put(id, { ...current, expiresAt: graceUntil, renewedTo: to })
    this.insert(to, { record, now })
    return { isWritten: true }
  }

  touch(id: string, { lastSeenAt, expiresAt, now }: SessionTouch): boolean {
    const current = this.read(id, now)
    if (!isWritable(current, current?.revision)) return false
    this.#put(id, { ...current, lastSeenAt, expiresAt })
    return true
  }

  delete(id: string): StoredSession | undefined {
    const session = this.#sessions.get(id)
    if (!session) return undefined
    this.#sessions.delete(id)
    if (session.principal === undefined) return session
    const ids = this.#ids.get(session.principal)!
    ids.delete(id)
    if (ids.size === 0) this.#ids.delete(session.principal)
    return session
  }

  list(principal: string, now: number): ListedSession[] {
    return this.#idsOf(principal).flatMap(id => {
      const session = this.read(id, now)
      if (!session || session.renewedTo !== undefined) return []
      const { createdAt, lastSeenAt, expiresAt } = session
      return [{ id, createdAt, lastSeenAt, expiresAt }]
    })
  }

  deleteAll(principal: string, except?: string): number {
    const ids = this.#idsOf(principal).filter(id => id !== except)
    for (const id of ids) this.delete(id)
    return ids.length
  }

  #idsOf(principal: string): string[] {
    return [...(this.#ids.get(principal) ?? [])]
  }

  /** Written last is last in the map. */
  #put(id: string, session: StoredSession): void {
    this.delete(id)
    this.#sessions.set(id, session)
    this.#index(id, session)
  }

  #index(id: string, { principal }: SessionRecord): void {
    if (principal === undefined) return
    const ids = this.#ids.get(principal)
    if (ids) ids.add(id)
    else this.#ids.set(principal, new Set([id]))
  }

  #makeRoom(now: number): void {
    if (++this.#writes % SWEEP_EVERY === 0) this.#sweep(now)
    for (const id of this.#sessions.keys()) {
      if (this.#sessions.size <= this.#maxSessions) return
      this.delete(id)
    }
  }

  #sweep(now: number): void {
    for (const [id, { expiresAt }] of this.#sessions) if (expiresAt <= now) this.delete(id)
  }
}

function isWritable(
  session: StoredSession | undefined,
  revision: number | undefined,
): session is StoredSession {
  return session !== undefined && session.revision === revision && session.renewedTo === undefined
}
