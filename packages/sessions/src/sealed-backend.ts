import { UsageError } from '@allium/core'

import type { SealKeyring } from './seal.ts'
import type { ServerBackend } from './server-backend.ts'
import type { LoadedSession, SavedSession, SessionBackend, SessionDraft } from './session-backend.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { Lifetime } from './session-lifetime.ts'
import { isToken } from './session-token.ts'

/** What is sealed. `for` keeps a cookie from being used in place of another that has the same password. */
interface Envelope {
  readonly for: string
  readonly data: Record<string, unknown>
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly principal?: string
}

/** What a {@link SealedBackend} is made of. */
export interface SealedBackendParts {
  readonly keyring: SealKeyring
  readonly cookie: SessionCookie
  readonly lifetime: Lifetime
  /** Takes what has become too large. */
  readonly spill: ServerBackend | undefined
}

/** Keeps sessions in the cookie, until they are too large for it. */
export class SealedBackend implements SessionBackend {
  readonly #parts: SealedBackendParts

  constructor(parts: SealedBackendParts) {
    this.#parts = parts
  }

  async load(cookie: string, now: number): Promise<LoadedSession | undefined> {
    const { keyring, lifetime, spill } = this.#parts
    if (spill && isToken(cookie)) return spill.load(cookie, now)
    const unsealed = keyring.unseal(cookie, now)
    const envelope = unsealed && parseEnvelope(unsealed.text, this.#parts.cookie.name)
    if (!envelope) return undefined
    const { createdAt, lastSeenAt, principal } = envelope
    const expiresAt = lifetime.expiry(createdAt, lastSeenAt)
    if (expiresAt <= now) return undefined
    return {
      id: undefined,
      cookie,
      data: JSON.stringify(envelope.data),
      principal,
      createdAt,
      lastSeenAt,
      expiresAt,
      revision: 0,
      renewedFrom: undefined,
      renewedTo: undefined,
      isOldSeal: unsealed.passwordId !== keyring.currentId,
    }
  }

  async save(draft: SessionDraft, now: number): Promise<SavedSession> {
    const { spill } = this.#parts
    if (spill && draft.origin?.id !== undefined) return spill.save(draft, now)
    if (spill && draft.ended?.id !== undefined) await spill.end(draft.ended.id)
    const { origin } = draft
    if (!origin && !draft.hasContent) return this.#leaveNone(draft)
    const isDue = !origin || draft.move !== undefined || draft.isChanged
    if (isDue) draft.demandCookie()
    else if (!origin.isOldSeal && !this.#parts.lifetime.isTouchDue(origin, now)) {
      return { session: origin, cookie: undefined }
    }
    return this.#seal(draft, now)
  }

  #leaveNone(draft: SessionDraft): SavedSession {
    if (!draft.ended) return { session: undefined, cookie: undefined }
    draft.demandCookie()
    return { session: undefined, cookie: 'delete' }
  }

  async #seal(draft: SessionDraft, now: number): Promise<SavedSession> {
    const { keyring, lifetime, spill, cookie } = this.#parts
    const { createdAt, principal } = draft
    const data = draft.toText()
    const expiresAt = lifetime.expiry(createdAt, now)
    const head = JSON.stringify({ for: cookie.name, createdAt, lastSeenAt: now, principal })
    const value = keyring.seal(`${head.slice(0, -1)},"data":${data}}`, expiresAt)
    if (value.length > cookie.maxBytes) {
      if (!spill) throw tooLarge(value.length, cookie.maxBytes)
      return spill.save({ ...draft, origin: undefined, ended: undefined, move: undefined }, now)
    }
    const session: LoadedSession = {
      id: undefined,
      cookie: value,
      data,
      principal,
      createdAt,
      lastSeenAt: now,
      expiresAt,
      revision: 0,
      renewedFrom: undefined,
      renewedTo: undefined,
      isOldSeal: false,
    }
    return { session, cookie: { value, expiresAt } }
  }
}

function parseEnvelope(text: string, name: string): Envelope | undefined {
  try {
    const envelope = JSON.parse(text) as Partial<Envelope> | null // checked in the next lines
    const isOurs =
      envelope?.for === name &&
      isValues(envelope.data) &&
      typeof envelope.createdAt === 'number' &&
      typeof envelope.lastSeenAt === 'number'
    return isOurs ? (envelope as Envelope) : undefined
  } catch {
    return undefined
  }
}

function isValues(data: unknown): boolean {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}

function tooLarge(length: number, maxBytes: number): UsageError {
  return new UsageError(
    'ERR_SESSION_TOO_LARGE',
    `Cannot seal the session into a cookie: it takes ${length} bytes of ${maxBytes}`,
  )
}
