import { Application } from '@allium/core'
import { sessions } from '@allium/sessions'
import type { Session, StoredSessions, StoredSessionsOptions } from '@allium/sessions'
import { sessionOf } from '@allium/sessions/testing'

/** A visitor whose requests a test begins and ends step by step: without HTTP, so that their order is exact. */
export class Visitor {
  readonly middleware: StoredSessions
  /** Every cookie that was ever set, the current one last. */
  readonly issued: string[] = []
  readonly #app = new Application()
  #cookie: string | undefined

  constructor(options: StoredSessionsOptions) {
    // However slow the machine is: what is tested is the order of steps.
    this.middleware = sessions({ storeTimeout: 120_000, ...options })
  }

  /** Begins a request with the cookie that the browser has now, or with another one. */
  async begin(cookie: string | undefined = this.#cookie): Promise<Session> {
    const cookies = {
      get: () => cookie,
      set: (_: string, value: string) => {
        this.#cookie = value
        this.issued.push(value)
      },
      delete: () => {
        this.#cookie = undefined
      },
    }
    return sessionOf({ cookies, app: this.#app }, this.middleware)
  }

  /** Whether the request was answered, rather than refused by a 409. */
  async end(session: Session): Promise<boolean> {
    try {
      await session.save()
      return true
    } catch (error) {
      if ((error as { status?: number }).status === 409) return false
      throw error
    }
  }
}
