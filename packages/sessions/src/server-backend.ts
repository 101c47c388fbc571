import { HttpConflict, HttpServiceUnavailable } from '@allium/core'

import { KeyedQueue } from './keyed-queue.ts'
import type { SessionClock } from './session-clock.ts'
import type { LoadedSession, SavedSession, SessionBackend, SessionDraft } from './session-backend.ts'
import type { Lifetime } from './session-lifetime.ts'
import type { SessionRecord, SessionStore, StoredSession, WriteResult } from './session-store.ts'
import { createToken, idOfToken, isToken } from './session-token.ts'
import { conflict, parseValues } from './session-values.ts'

/** What a {@link ServerBackend} goes by. */
export interface ServerBackendRules {
  readonly clock: SessionClock
  /** How long the store may take, in milliseconds. */
  readonly storeTimeout: number
  readonly lifetime: Lifetime
  /** How long a renewed id can be read, in milliseconds. */
  readonly renewGrace: number
  /** Whether the browser is told how long the session lives. */
  readonly isPersistent: boolean
}

/** How often a write is tried on ever newer records: each failure is the success of another request. */
const MAX_ATTEMPTS = 1000
/** How often an id is made anew: one in use means a sign-out of the principal at this very moment. */
const MAX_IDS = 3

const UNCHANGED = { session: undefined, cookie: undefined }

/** Keeps sessions in a store; the cookie carries a random token. */
export class ServerBackend implements SessionBackend {
  readonly #store: SessionStore
  readonly #rules: ServerBackendRules
  /** Requests of this process do not compete for the same record. */
  readonly #queue = new KeyedQueue()

  constructor(store: SessionStore, rules: ServerBackendRules) {
    this.#store = store
    this.#rules = rules
  }

  async load(cookie: string, now: number): Promise<LoadedSession | undefined> {
    if (!isToken(cookie)) return undefined // never reaches the store (P37)
    const id = idOfToken(cookie)
    const stored = await this.#store.read(id, now)
    if (!stored || this.#rules.lifetime.isOver(stored, now) || !parseValues(stored.data)) return undefined
    return { ...stored, id, cookie, isOldSeal: false }
  }

  async save(draft: SessionDraft, now: number): Promise<SavedSession> {
    if (draft.ended) await this.end(draft.ended.id!)
    const { origin } = draft
    if (!origin) return this.#begin(draft, now)
    if (draft.move === undefined && !draft.isChanged) return this.#touch(origin, now)
    if (draft.move) draft.demandCookie()
    const { clock, storeTimeout } = this.#rules
    const start = clock.elapsed()
    return this.#queue.run(origin.id!, async () => {
      if (clock.elapsed() - start >= storeTimeout) throw unavailable('The store is too slow for all who wait')
      return this.#write(draft, origin, now)
    })
  }

  /** Removes a session, with what it was renewed from or to: of a renewed one there are two for a while. */
  async end(id: string): Promise<void> {
    const removed = await this.#store.delete(id)
    if (removed?.renewedFrom !== undefined) await this.#store.delete(removed.renewedFrom)
    if (removed?.renewedTo !== undefined) await this.end(removed.renewedTo)
  }

  async #begin(draft: SessionDraft, now: number): Promise<SavedSession> {
    if (!draft.hasContent) return { session: undefined, cookie: draft.ended && 'delete' }
    draft.demandCookie()
    const record = this.#record(draft, draft.toText(), now)
    for (let left = MAX_IDS; left > 0; left--) {
      const cookie = createToken()
      const id = idOfToken(cookie)
      if (await this.#store.insert(id, { record, now })) return opened(record, id, cookie)
    }
    throw unavailable('The session store has refused new ids')
  }

  async #touch(origin: LoadedSession, now: number): Promise<SavedSession> {
    const { lifetime, isPersistent } = this.#rules
    if (origin.renewedTo !== undefined || !lifetime.isTouchDue(origin, now))
      return { ...UNCHANGED, session: origin }
    const times = { lastSeenAt: now, expiresAt: lifetime.expiry(origin.createdAt, now) }
    const isThere = await this.#store.touch(origin.id!, { ...times, now })
    if (!isThere) return { ...UNCHANGED, session: origin }
    const { expiresAt } = times
    const cookie = isPersistent ? { value: origin.cookie, expiresAt } : undefined
    return { session: { ...origin, ...times }, cookie }
  }

  /** Replaces or moves the record, and does so again on what is there when another request was faster. */
  async #write(draft: SessionDraft, origin: LoadedSession, now: number): Promise<SavedSession> {
    let base: StoredSession = origin
    for (let left = MAX_ATTEMPTS; left > 0; left--) {
      if (base.renewedTo !== undefined) return refuseRenewed(draft, origin)
      const text = base === origin ? draft.toText() : draft.toTextOn(base.data)
      const saved = await (draft.move
        ? this.#move(draft, { base, origin, text, now })
        : this.#replace(draft, { base, origin, text, now }))
      if ('cookie' in saved) return saved
      if (!saved.current) return refuseGone(draft)
      base = saved.current
    }
    throw unavailable('A session is written too often')
  }

  async #replace(draft: SessionDraft, attempt: Attempt): Promise<SavedSession | WriteResult> {
    const { base, origin, text, now } = attempt
    const record = { ...this.#record(draft, text, now), renewedFrom: base.renewedFrom }
    const result = await this.#store.replace(origin.id!, { record, revision: base.revision, now })
    if (!result.isWritten) return result
    const isRolling = this.#rules.isPersistent && this.#rules.lifetime.isTouchDue(base, now)
    return {
      session: { ...origin, ...record, revision: base.revision + 1 },
      cookie: isRolling ? { value: origin.cookie, expiresAt: record.expiresAt } : undefined,
    }
  }

  async #move(draft: SessionDraft, attempt: Attempt): Promise<SavedSession | WriteResult> {
    const { base, origin, text, now } = attempt
    const hasGrace = draft.move === 'renew'
    const cookie = createToken()
    const to = idOfToken(cookie)
    const record = { ...this.#record(draft, text, now), renewedFrom: hasGrace ? origin.id : undefined }
    const graceUntil = hasGrace ? Math.min(now + this.#rules.renewGrace, base.expiresAt) : undefined
    // A regenerated id leaves none behind, and of one renewed twice within the grace the first goes.
    if (base.renewedFrom !== undefined) await this.#store.delete(base.renewedFrom)
    const result = await this.#store.move(origin.id!, {
      to,
      record,
      revision: base.revision,
      graceUntil,
      now,
    })
    if (!result.isWritten) return result
    return opened(record, to, cookie)
  }

  #record(draft: SessionDraft, data: string, now: number): SessionRecord {
    const { principal, createdAt } = draft
    const expiresAt = this.#rules.lifetime.expiry(createdAt, now)
    return { data, principal, createdAt, lastSeenAt: now, expiresAt, renewedFrom: undefined }
  }
}

interface Attempt {
  readonly base: StoredSession
  readonly origin: LoadedSession
  readonly text: string
  readonly now: number
}

function opened(record: SessionRecord, id: string, cookie: string): SavedSession {
  return {
    session: { ...record, id, cookie, revision: 1, renewedTo: undefined, isOldSeal: false },
    cookie: { value: cookie, expiresAt: record.expiresAt },
  }
}

/** Another request has renewed the session: one renewal is enough, but what this one has changed has no place. */
function refuseRenewed(draft: SessionDraft, origin: LoadedSession): SavedSession {
  if (draft.move === 'renew' && !draft.isChanged) return { ...UNCHANGED, session: origin }
  throw conflict()
}

/** The session has ended meanwhile, and a request in flight does not bring it back (P38). */
function refuseGone(draft: SessionDraft): SavedSession {
  if (draft.move !== 'regenerate' && (!draft.isChanged || draft.onlyRemoves)) return UNCHANGED
  throw new HttpConflict('The session has ended meanwhile')
}

function unavailable(reason: string): HttpServiceUnavailable {
  return new HttpServiceUnavailable(undefined, { cause: new Error(reason) })
}
