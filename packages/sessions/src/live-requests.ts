import type { Request } from '@allium/core'

import type { Session } from './session.ts'
import { SessionRevoked } from './session-revoked.ts'

interface LiveRequest {
  readonly request: Request
  readonly session: Session
}

/** The requests of this process whose session has a principal, for as long as they run. */
export class LiveRequests {
  readonly #byPrincipal = new Map<string, Set<LiveRequest>>()

  /** Follows a request until it is over; returns what to call when the principal of its session has changed. */
  follow(request: Request, session: Session): () => void {
    const entry: LiveRequest = { request, session }
    let principal: string | undefined
    const place = (next: string | undefined) => {
      if (principal !== undefined) this.#remove(principal, entry)
      if (next !== undefined) this.#add(next, entry)
      principal = next
    }
    place(session.principal)
    request.onFinish(() => place(undefined))
    return () => place(session.principal)
  }

  /** Fires the AbortSignals of those whose session is meant. */
  revoke(principal: string, isMeant: (session: Session) => boolean): void {
    for (const { request, session } of [...(this.#byPrincipal.get(principal) ?? [])]) {
      if (isMeant(session)) request.abort(new SessionRevoked())
    }
  }

  #add(principal: string, entry: LiveRequest): void {
    const entries = this.#byPrincipal.get(principal)
    if (entries) entries.add(entry)
    else this.#byPrincipal.set(principal, new Set([entry]))
  }

  #remove(principal: string, entry: LiveRequest): void {
    const entries = this.#byPrincipal.get(principal)
    entries?.delete(entry)
    if (entries?.size === 0) this.#byPrincipal.delete(principal)
  }
}
