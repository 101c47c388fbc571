import type { Awaitable } from '@allium/core'

import type { StoredSession } from './session-store.ts'

/** A session as it was found by a cookie. */
export interface LoadedSession extends StoredSession {
  /** The value of the cookie that leads to it. */
  readonly cookie: string
  /** What the store knows it by; `undefined` when all of it is in the cookie. */
  readonly id: string | undefined
  /** Whether the cookie was sealed by a password that is on its way out. */
  readonly isOldSeal: boolean
}

/** What one request wants to become of a session. */
export interface SessionDraft {
  /** What it is based on; `undefined` for a new session. */
  readonly origin: LoadedSession | undefined
  /** What is to be removed. */
  readonly ended: LoadedSession | undefined
  /** Whether it gets another id: with a grace for the old one, or without. */
  readonly move: 'renew' | 'regenerate' | undefined
  /** Whether values or principal differ from the origin. */
  readonly isChanged: boolean
  /** Whether the changes are fulfilled when the session is gone. */
  readonly onlyRemoves: boolean
  /** When it began. */
  readonly createdAt: number
  /** Whose it is. */
  readonly principal: string | undefined
  /** Whether there is anything that is worth a new session. */
  readonly hasContent: boolean
  /** The values, as text. */
  toText(): string
  /** The values, applied to a newer record. */
  toTextOn(newer: string): string
  /** @throws UsageError when the headers have left, so that the browser cannot be given another cookie */
  demandCookie(): void
}

/** What the browser is told. */
export type CookieChange = { readonly value: string; readonly expiresAt: number } | 'delete'

/** What has become of a session. */
export interface SavedSession {
  /** As it is stored now; `undefined` when nothing is. */
  readonly session: LoadedSession | undefined
  /** What the browser has to be told, if anything. */
  readonly cookie: CookieChange | undefined
}

/** Loads and saves sessions: in a store, or in the cookie itself. */
export interface SessionBackend {
  /** The session that a cookie leads to; `undefined` for anything that is not a living one. Never throws for the cookie. */
  load(cookie: string, now: number): Awaitable<LoadedSession | undefined>
  /** Does what the draft says. */
  save(draft: SessionDraft, now: number): Awaitable<SavedSession>
}
