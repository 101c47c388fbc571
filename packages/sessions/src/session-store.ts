import type { Awaitable } from '@allium/core'

/** What a store keeps of a session. Times are milliseconds since 1970. */
export interface SessionRecord {
  /** The values: a JSON object, as text. It may hold anything JSON can, NUL and lone surrogates included. */
  readonly data: string
  /** Whose session it is: what {@link SessionStore.list} finds it by. */
  readonly principal: string | undefined
  /** When it began, or when its principal signed in. */
  readonly createdAt: number
  /** When it was last used. */
  readonly lastSeenAt: number
  /** From then on the store acts as if the record were not there. */
  readonly expiresAt: number
  /** The record that this one was renewed from, which is to go when this one goes. */
  readonly renewedFrom: string | undefined
}

/** A record as a store gives it out. */
export interface StoredSession extends SessionRecord {
  /** 1 for a new record, one more after each `replace`. */
  readonly revision: number
  /** Where a `move` with a grace has gone to: the record may be read until it expires, and never written. */
  readonly renewedTo: string | undefined
}

/** What came of a write that depends on a revision. */
export interface WriteResult {
  /** Whether it was carried out. */
  readonly isWritten: boolean
  /** If not, what is there: with another revision, or left behind by a `move`; `undefined` when nothing is. */
  readonly current?: StoredSession | undefined
}

/** A record to be stored under an id that is not in use. */
export interface SessionInsertion {
  /** The record. */
  readonly record: SessionRecord
  /** What time it is. */
  readonly now: number
}

/** A record in place of one of a known revision. */
export interface SessionReplacement extends SessionInsertion {
  /** The revision that it was made from. */
  readonly revision: number
}

/** A record in place of one of a known revision and under another id. */
export interface SessionMove extends SessionReplacement {
  /** The new id. */
  readonly to: string
  /** How long the old record stays to be read; `undefined` when it goes at once. */
  readonly graceUntil: number | undefined
}

/** Later times for a record. */
export interface SessionTouch {
  /** When it was last used. */
  readonly lastSeenAt: number
  /** When it will expire. */
  readonly expiresAt: number
  /** What time it is. */
  readonly now: number
}

/** One session of a principal. */
export interface ListedSession {
  /** As {@link Session.id}: fit to be shown, since it opens nothing. */
  readonly id: string
  /** When it began, in milliseconds since 1970. */
  readonly createdAt: number
  /** When it was last used, in milliseconds since 1970. */
  readonly lastSeenAt: number
  /** When it will expire unless it is used, in milliseconds since 1970. */
  readonly expiresAt: number
}

/**
 * Where sessions are kept. Whoever writes one runs the suite of `@allium/sessions/store-contract` on it.
 *
 * Ids are 43 characters of the base64url alphabet, digests of what cookies carry: who can read a store can take over
 * no session. Each method is one atomic step, as seen by every process that shares the store. Time is what the caller
 * says, so that tests can move it; a record whose `expiresAt` is not later than `now` does not exist.
 *
 * Methods reject when the store is out of reach: the client gets a 503.
 */
export interface SessionStore {
  /** The record, or `undefined`. */
  read(id: string, now: number): Awaitable<StoredSession | undefined>

  /** Stores a record of revision 1; false, and nothing stored, when the id is or was just in use. */
  insert(id: string, insertion: SessionInsertion): Awaitable<boolean>

  /** Replaces the record if it has the revision and was not left behind by a move. */
  replace(id: string, replacement: SessionReplacement): Awaitable<WriteResult>

  /**
   * Replaces the record, under the same conditions, by one of revision 1 under another id. No moment is seen at which
   * both can be written. Of a `deleteAll` of the principal and a move at the same time, none of the two records is left.
   */
  move(id: string, move: SessionMove): Awaitable<WriteResult>

  /** Sets later times, whatever the revision, which stays; false when the record is gone or left behind by a move. */
  touch(id: string, touch: SessionTouch): Awaitable<boolean>

  /** Removes the record and gives it back; `undefined` when there is none. An expired one may be either. */
  delete(id: string): Awaitable<StoredSession | undefined>

  /** The sessions of a principal, in any order, without those that a move has left behind. */
  list(principal: string, now: number): Awaitable<readonly ListedSession[]>

  /**
   * Removes the sessions of a principal, those that a move has left behind too.
   *
   * @param except the id of one that stays
   * @returns how many were removed
   */
  deleteAll(principal: string, except?: string | undefined): Awaitable<number>
}
