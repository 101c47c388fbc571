export { MemoryStore } from './stores/memory-store.ts'
export type { MemoryStoreOptions } from './stores/memory-store.ts'
export { seal, unseal } from './seal.ts'
export type { SealOptions, SealPassword, SealPasswords } from './seal.ts'
export { SealedCookieStorage } from './sealed-cookie-storage.ts'
export type { SealedCookieStorageOptions } from './sealed-cookie-storage.ts'
export type { SessionCookieOptions } from './session-cookie.ts'
export { SessionKey } from './session-key.ts'
export type { SessionKeyOptions } from './session-key.ts'
export { sessionOptional } from './session-layer.ts'
export type { SessionLifetime } from './session-lifetime.ts'
export { SessionRevoked } from './session-revoked.ts'
export type {
  ListedSession,
  SessionInsertion,
  SessionMove,
  SessionRecord,
  SessionReplacement,
  SessionStore,
  SessionTouch,
  StoredSession,
  WriteResult,
} from './session-store.ts'
export type { ConcurrencyPolicy } from './session-values.ts'
export { Session } from './session.ts'
export type { FlashMessage } from './flash-messages.ts'
export { getSession, sessions } from './sessions.ts'
export type {
  SealedSessionsOptions,
  Sessions,
  SessionsOptions,
  SignOutOptions,
  StoredSessions,
  StoredSessionsOptions,
} from './sessions.ts'
