import { HttpConflict, UsageError } from '@allium/core'
import type { Awaitable, HttpError } from '@allium/core'

import { leaveFlash, readFlash, removeFlash } from './flash-messages.ts'
import type { FlashMessage } from './flash-messages.ts'
import type { CookieChange, LoadedSession, SessionBackend, SessionDraft } from './session-backend.ts'
import type { SessionKey } from './session-key.ts'
import { SessionValues } from './session-values.ts'
import type { ConcurrencyPolicy, ValueChanges } from './session-values.ts'

/** What a session is made of. */
export interface SessionParts {
  readonly backend: SessionBackend
  readonly origin: LoadedSession | undefined
  readonly now: () => number
  readonly policy: ConcurrencyPolicy
  readonly maxSize: number
  /** Why nothing can be stored, for a session in place of one that could not be loaded. */
  readonly unavailable: HttpError | undefined
  /** Takes what the browser is to be told. */
  readonly onCookie: (change: CookieChange) => void
  /** Whether the browser can still be given a cookie. */
  readonly canSetCookie: () => boolean
  /** Is told of the principal of the session, and of every other. */
  readonly onPrincipal: (session: Session) => void
}

// What the layer around a session does to it; the door does not export them.

/** Forgets what was changed, but not that the session was destroyed. */
export let abandonChanges: (session: Session) => Promise<void>
/** Whether something was changed and not saved. */
export let hasUnsaved: (session: Session) => boolean

const PRINCIPAL = /^[^\p{Cc}\p{Cs}]{1,256}$/u

/**
 * What is kept of a visitor between requests. Made by `getSession`; changes are stored once, just before the headers of
 * the answer leave, and no later than that the browser is told of them.
 *
 * Changes are stored for every answer but a 500 of a broken handler and the 503 of a `timeout`, of which only a
 * `destroy()` is carried out; for thrown `HttpError`s and redirects too, and also when the client has gone meanwhile.
 * When the store is down the answer is a 503.
 *
 * Whatever changes a session throws `HttpConflict` while it {@link Session.isReadOnly | is read-only}, and
 * `HttpServiceUnavailable` where the store is down and the route goes on without.
 */
export class Session {
  readonly #parts: SessionParts
  #origin: LoadedSession | undefined
  #ended: LoadedSession | undefined
  #values: SessionValues
  #principal: string | undefined
  #move: 'renew' | 'regenerate' | undefined
  #createdAt: number
  #turn: Promise<unknown> = Promise.resolve()

  static {
    abandonChanges = session =>
      session.#inTurn(() => {
        const ended = session.#ended
        session.#become(session.#origin)
        session.#ended = ended
      })
    hasUnsaved = session =>
      session.#move !== undefined || session.#ended !== undefined || session.#values.isChanged
  }

  /** @internal Made by the layer. */
  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#origin = parts.origin
    this.#values = new SessionValues(parts.origin?.data)
    this.#principal = parts.origin?.principal
    this.#createdAt = parts.origin?.createdAt ?? parts.now()
  }

  /**
   * What the store knows the session by, as in a list of the principal's sessions; no secret: it opens nothing. `undefined`
   * for a new session until it is stored, and for one that is in the cookie.
   */
  get id(): string | undefined {
    return this.#origin?.id
  }

  /** Whether nothing is stored yet: there was no cookie, or none that leads to a living session. */
  get isNew(): boolean {
    return this.#origin === undefined
  }

  /**
   * Whether the session was reached by an id that another request has renewed: for a grace it shows what it held at that
   * time, and cannot be changed.
   */
  get isReadOnly(): boolean {
    return this.#origin?.renewedTo !== undefined
  }

  /** Whether the store was down, on a route that goes on without a session; see `sessionOptional`. */
  get isUnavailable(): boolean {
    return this.#parts.unavailable !== undefined
  }

  /** When it began, or its principal signed in, in milliseconds since 1970. */
  get createdAt(): number {
    return this.#createdAt
  }

  /** When it was last used before this request, in milliseconds since 1970, to within the `touchInterval`. */
  get lastSeenAt(): number {
    return this.#origin?.lastSeenAt ?? this.#createdAt
  }

  /**
   * Whose session it is: the id of a user. Setting it is signing in: the session gets another id, so that nobody who
   * knew the former one is signed in with it, and its absolute life time begins anew. Setting it to `undefined` gives it
   * another id too.
   */
  get principal(): string | undefined {
    return this.#principal
  }

  /** @throws TypeError for an empty text, one of more than 256 characters, or with control characters */
  set principal(principal: string | undefined) {
    this.#assertWritable()
    if (principal !== undefined && !PRINCIPAL.test(principal)) {
      throw new TypeError(
        'Cannot set the principal of a session: it is empty, too long, or has control characters',
      )
    }
    this.#principal = principal
    this.#move = 'regenerate'
    this.#createdAt = this.#parts.now()
  }

  /**
   * The value of the key, or `undefined`: when nobody has set it, and when what is stored does not pass the key's schema.
   * An object may be changed in place: what differs when the session is saved was changed. Get it anew after a `save()`.
   */
  get<Value>(key: SessionKey<Value>): Value | undefined {
    return this.#values.get(key)
  }

  /** Whether `get` gives a value. */
  has(key: SessionKey<unknown>): boolean {
    return this.#values.get(key) !== undefined
  }

  /**
   * Sets a value. Of two requests that set the same key at the same time, the last one wins (see `concurrency`): what
   * depends on the former value is to be done by `update`.
   *
   * @throws TypeError for a value that JSON cannot express
   */
  set<Value>(key: SessionKey<Value>, value: Value): void {
    this.#assertWritable()
    this.#values.set(key.name, value)
  }

  /** Removes a value. */
  delete(key: SessionKey<unknown>): void {
    this.#assertWritable()
    this.#values.delete(key.name)
  }

  /** Removes all values; principal and id stay. */
  clear(): void {
    this.#assertWritable()
    this.#values.clear()
  }

  /**
   * Sets a value to what a function makes of the former one; `undefined` removes it. The function is called at once, and
   * again on saving for as long as other requests have been faster: no increment is lost. It must do nothing else, and
   * be synchronous. A cookie storage cannot know of other requests: there the last answer wins.
   *
   * @throws TypeError for a result that JSON cannot express
   */
  update<Value>(key: SessionKey<Value>, work: (value: Value | undefined) => Value | undefined): void {
    this.#assertWritable()
    this.#values.update(key.name, stored => work(key.read(stored)))
  }

  /** Leaves a message for the next page that asks. */
  flash(kind: string, text: string): void {
    this.#assertWritable()
    leaveFlash(this.#values, { kind, text })
  }

  /** The messages that were left, oldest first; they are gone then, but while the session is read-only. */
  takeFlash(): readonly FlashMessage[] {
    const messages = readFlash(this.#values)
    if (!this.isReadOnly) removeFlash(this.#values, messages.length)
    return messages
  }

  /**
   * Gives the session another id, as a routine. Requests that are on their way with the old one see what it held, and
   * cannot change it, until `renewGrace` is over.
   */
  renew(): void {
    this.#assertWritable()
    this.#move ??= 'renew'
  }

  /** Gives the session another id at a change of privilege: the old one leads nowhere from then on. */
  regenerate(): void {
    this.#assertWritable()
    this.#move = 'regenerate'
  }

  /**
   * Removes the session and tells the browser to forget the cookie. Requests that are still running cannot bring it back.
   * What is set afterwards begins a new session.
   */
  destroy(): void {
    if (this.#parts.unavailable) throw this.#parts.unavailable
    const ended = this.#ended ?? this.#origin
    this.#become(undefined)
    this.#ended = ended
  }

  /**
   * Stores the changes now. Needed for what is changed after the headers have left, as in an event stream or a WebSocket;
   * whatever is changed before is stored anyway.
   *
   * @throws UsageError `ERR_SESSION_HEADERS_SENT` when the browser would have to be given another cookie, and cannot:
   *   for a session that is new, renewed or regenerated, and for every one that is kept in the cookie
   * @throws UsageError `ERR_SESSION_TOO_LARGE` for values of more than `maxSize`, or more than fit into a cookie
   * @throws HttpConflict when the session has ended meanwhile, and where `concurrency` says so
   * @throws HttpServiceUnavailable when the store fails: whether the changes are stored is not known then
   */
  save(): Promise<void> {
    return this.#inTurn(() => this.#save())
  }

  /**
   * Reads the session again, for what runs long; changes that are not saved are dropped.
   *
   * @returns false when it has ended; it is new and empty then
   * @throws HttpServiceUnavailable when the store fails
   */
  reload(): Promise<boolean> {
    const { backend, now } = this.#parts
    return this.#inTurn(async () => {
      const loaded = this.#origin && (await backend.load(this.#origin.cookie, now()))
      this.#become(loaded)
      return loaded !== undefined
    })
  }

  /** Runs when no other save or load of this session is going on. */
  #inTurn<Result>(work: () => Awaitable<Result>): Promise<Result> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  #assertWritable(): void {
    if (this.#parts.unavailable) throw this.#parts.unavailable
    if (this.isReadOnly) throw new HttpConflict('The session was renewed by another request')
  }

  #become(origin: LoadedSession | undefined): void {
    this.#origin = origin
    this.#ended = undefined
    this.#values = new SessionValues(origin?.data)
    this.#principal = origin?.principal
    this.#move = undefined
    this.#createdAt = origin?.createdAt ?? this.#parts.now()
  }

  /** Stores what there is now; what is changed meanwhile waits for the next time. */
  async #save(): Promise<void> {
    if (this.isUnavailable) return
    const { backend, now, onCookie, onPrincipal } = this.#parts
    const values = this.#values
    const changes = values.take()
    const draft = this.#draft(changes)
    this.#move = undefined
    this.#ended = undefined
    try {
      const { session, cookie } = await backend.save(draft, now())
      if (cookie) onCookie(cookie)
      if (this.#values !== values)
        this.#ended = session ?? this.#ended // destroyed meanwhile
      else if (session) this.#settle(session, changes)
      else this.#become(undefined)
    } catch (error) {
      this.#restore(draft, values, changes)
      throw error
    }
    if (this.#origin?.id !== draft.origin?.id) onPrincipal(this)
  }

  #settle(session: LoadedSession, changes: ValueChanges): void {
    this.#origin = session
    this.#values.settle(changes, session.data)
  }

  #restore(draft: SessionDraft, values: SessionValues, changes: ValueChanges): void {
    values.restore(changes)
    this.#ended ??= draft.ended
    if (this.#values !== values) return
    this.#move ??= draft.move
  }

  #draft(changes: ValueChanges): SessionDraft {
    const { policy, maxSize } = this.#parts
    return {
      origin: this.#origin,
      ended: this.#ended,
      move: this.#move,
      isChanged: changes.isChanged,
      onlyRemoves: changes.onlyRemoves,
      hasContent: changes.hasValues || this.#principal !== undefined,
      createdAt: this.#createdAt,
      principal: this.#principal,
      toText: () => withinSize(changes.text, maxSize),
      toTextOn: newer => withinSize(changes.onto(newer, policy), maxSize),
      demandCookie: () => this.#demandCookie(),
    }
  }

  #demandCookie(): void {
    if (this.#parts.canSetCookie()) return
    throw new UsageError(
      'ERR_SESSION_HEADERS_SENT',
      'Cannot save a session that needs another cookie: the headers of the answer have left',
    )
  }
}

function withinSize(text: string, maxSize: number): string {
  const size = Buffer.byteLength(text)
  if (size <= maxSize) return text
  throw new UsageError(
    'ERR_SESSION_TOO_LARGE',
    `Cannot save the session: its values take ${size} bytes of ${maxSize}`,
  )
}
