import { SealKeyring } from './seal.ts'
import type { SealPasswords } from './seal.ts'
import type { SessionStore } from './session-store.ts'

/** What a {@link SealedCookieStorage} needs. */
export interface SealedCookieStorageOptions {
  /** Seals cookies; of several the first, and all open. A cookie that an older one has sealed is sealed anew when it is read. */
  readonly passwords: SealPasswords
  /** Where sessions go that have become too large for a cookie; default: nowhere, saving them fails. */
  readonly spill?: SessionStore | undefined
}

/**
 * Keeps the whole session in the cookie, encrypted and authenticated: there is nothing to run, and nothing to ask.
 *
 * What that costs: a cookie that somebody has copied works until it expires, whatever `destroy()` tells the browser, and
 * so does an older state of the session that is sent again. Sessions cannot be listed or ended from the server. Of two
 * requests at the same time the last answer wins. About 3000 bytes of values fit in.
 *
 * @example
 * ```ts
 * import { Application } from '@allium/core'
 * import { SealedCookieStorage, sessions } from '@allium/sessions'
 *
 * const passwords = [
 *   { id: '2', secret: 'a new password, 32 characters or more' },
 *   { id: '1', secret: 'the one before, until its cookies are gone' },
 * ]
 * new Application().use(sessions({ storage: new SealedCookieStorage({ passwords }) }))
 * ```
 */
export class SealedCookieStorage {
  /** @internal */
  readonly keyring: SealKeyring
  /** @internal */
  readonly spill: SessionStore | undefined

  /** @throws TypeError for a secret shorter than 32 characters, ids that repeat or have characters besides letters, digits, `_` */
  constructor(options: SealedCookieStorageOptions) {
    this.keyring = new SealKeyring(options.passwords)
    this.spill = options.spill
  }
}
