import { createHash } from 'node:crypto'

import { KeyedQueue } from '../keyed-queue.ts'
import type {
  ListedSession,
  SessionInsertion,
  SessionMove,
  SessionReplacement,
  SessionStore,
  SessionTouch,
  StoredSession,
  WriteResult,
} from '../session-store.ts'

/** What an {@link UnstorageStore} uses of a `Storage` of `unstorage`. */
export interface UnstorageSessionStorage {
  /** The value under a key, or `null`. */
  getItem(key: string): Promise<unknown>
  /** Sets the value under a key; drivers that can let it expire after `ttl` seconds. */
  setItem(key: string, value: string, options: { ttl: number }): Promise<void>
  /** Removes the value under a key. */
  removeItem(key: string): Promise<void>
  /** The keys that begin with a text. */
  getKeys(base: string): Promise<string[]>
}

/** What an {@link UnstorageStore} can be given. */
export interface UnstorageStoreOptions {
  /** Begins every key: letters, digits, `_` and `-`. Default `session`. */
  readonly base?: string | undefined
}

/**
 * Keeps sessions wherever a driver of `unstorage` does: MongoDB, Azure, Vercel, S3, a folder and others.
 *
 * These can read and write, but not write only if nobody else has. So what {@link SessionStore} promises holds within one
 * process, where steps on the same session take turns. **Between processes the last write wins**: of two that write
 * one session at the same moment one write is lost, whatever `concurrency` says, and a session that is signed out at the
 * very moment at which another process writes it may stay. Where that matters, and several processes run, take the
 * `RedisStore` or the `PostgresStore`. A driver that answers with what is no longer so (Cloudflare KV does) shows that
 * between any two requests.
 *
 * Drivers that know of expiry are told; for the others {@link UnstorageStore.sweep} removes what has expired. Listing and
 * ending the sessions of a principal takes `getKeys`, which some drivers answer by reading all keys.
 *
 * @example
 * ```ts compile
 * import { Application } from '@allium/core'
 * import { sessions } from '@allium/sessions'
 * import { UnstorageStore } from '@allium/sessions/unstorage'
 * import { createStorage } from 'unstorage'
 * import fsDriver from 'unstorage/drivers/fs'
 *
 * const storage = createStorage({ driver: fsDriver({ base: './sessions' }) })
 * const app = new Application()
 * app.use(sessions({ storage: new UnstorageStore(storage) }))
 * app.onCleanup.add(() => storage.dispose())
 * ```
 */
export class UnstorageStore implements SessionStore {
  readonly #storage: UnstorageSessionStorage
  readonly #base: string
  readonly #queue = new KeyedQueue()

  /** @throws TypeError for a base that has other characters */
  constructor(storage: UnstorageSessionStorage, options: UnstorageStoreOptions = {}) {
    const { base = 'session' } = options
    if (!/^[\w-]+$/.test(base)) {
      throw new TypeError(`Cannot keep sessions under "${base}": letters, digits, _ and - only`)
    }
    this.#storage = storage
    this.#base = base
  }

  /**
   * Removes all records that have expired. Reads every record.
   *
   * @param now what time it is; default `Date.now()`
   * @returns how many were removed
   */
  async sweep(now: number = Date.now()): Promise<number> {
    let count = 0
    for (const id of await this.#idsUnder(`${this.#base}:record:`)) {
      await this.#queue.run(id, async () => {
        const stored = await this.#find(id)
        if (!stored || stored.expiresAt > now) return
        await this.#remove(id, stored)
        count++
      })
    }
    return count
  }

  async read(id: string, now: number): Promise<StoredSession | undefined> {
    const stored = await this.#find(id)
    return stored && stored.expiresAt > now ? stored : undefined
  }

  insert(id: string, { record, now }: SessionInsertion): Promise<boolean> {
    return this.#queue.run(id, async () => {
      if (await this.#find(id)) return false
      await this.#put(id, { ...record, revision: 1, renewedTo: undefined }, now)
      return true
    })
  }

  replace(id: string, { record, revision, now }: SessionReplacement): Promise<WriteResult> {
    return this.#queue.run(id, async () => {
      const current = await this.read(id, now)
      if (!isWritable(current, revision)) return { isWritten: false, current }
      await this.#put(id, { ...record, revision: revision + 1, renewedTo: undefined }, now)
      if (current.principal !== record.principal) await this.#unlink(id, current)
      return { isWritten: true }
    })
  }

  move(id: string, { to, record, revision, graceUntil, now }: SessionMove): Promise<WriteResult> {
    const next: StoredSession = { ...record, revision: 1, renewedTo: undefined }
    const work = async () => {
      const current = await this.read(id, now)
      if (!isWritable(current, revision)) return { isWritten: false, current }
      // A sign-out that comes now finds the new id, and waits for it; a process that dies leaves no session, not two.
      await this.#link(to, next, now)
      if (graceUntil === undefined) await this.#remove(id, current)
      else await this.#put(id, { ...current, expiresAt: graceUntil, renewedTo: to }, now)
      await this.#put(to, next, now)
      return { isWritten: true }
    }
    return this.#queue.run(id, () => this.#queue.run(to, work))
  }

  touch(id: string, { lastSeenAt, expiresAt, now }: SessionTouch): Promise<boolean> {
    return this.#queue.run(id, async () => {
      const current = await this.read(id, now)
      if (!isWritable(current, current?.revision)) return false
      await this.#put(id, { ...current, lastSeenAt, expiresAt }, now)
      return true
    })
  }

  delete(id: string): Promise<StoredSession | undefined> {
    return this.#queue.run(id, async () => {
      const stored = await this.#find(id)
      if (stored) await this.#remove(id, stored)
      return stored
    })
  }

  async list(principal: string, now: number): Promise<ListedSession[]> {
    const ids = await this.#idsUnder(this.#indexOf(principal))
    const found = await Promise.all(ids.map(async id => ({ id, stored: await this.read(id, now) })))
    return found.flatMap(({ id, stored }) => {
      if (stored?.principal !== principal || stored.renewedTo !== undefined) return []
      const { createdAt, lastSeenAt, expiresAt } = stored
      return [{ id, createdAt, lastSeenAt, expiresAt }]
    })
  }

  async deleteAll(principal: string, except?: string): Promise<number> {
    let count = 0
    const done = new Set<string | undefined>([except])
    for (;;) {
      // Again, for what is being moved; but some drivers go on naming keys that are gone.
      const ids = (await this.#idsUnder(this.#indexOf(principal))).filter(id => !done.has(id))
      if (ids.length === 0) return count
      for (const id of ids) done.add(id)
      const removed = await Promise.all(ids.map(id => this.#deleteOf(principal, id)))
      count += removed.filter(Boolean).length
    }
  }

  /** Removes a session if it is still that of the principal, and its place in the index at any rate. */
  #deleteOf(principal: string, id: string): Promise<boolean> {
    return this.#queue.run(id, async () => {
      const stored = await this.#find(id)
      const isOwn = stored?.principal === principal
      if (isOwn) await this.#storage.removeItem(this.#keyOf(id))
      await this.#unlink(id, { principal })
      return isOwn
    })
  }

  async #find(id: string): Promise<StoredSession | undefined> {
    return parseRecord(await this.#storage.getItem(this.#keyOf(id)))
  }

  /** A record that nobody would find by its principal must not be: the index comes first. */
  async #put(id: string, record: StoredSession, now: number): Promise<void> {
    await this.#link(id, record, now)
    await this.#storage.setItem(this.#keyOf(id), serializeRecord(record), { ttl: ttlOf(record, now) })
  }

  async #remove(id: string, record: StoredSession): Promise<void> {
    await this.#storage.removeItem(this.#keyOf(id))
    await this.#unlink(id, record)
  }

  async #link(id: string, record: StoredSession, now: number): Promise<void> {
    if (record.principal === undefined) return
    await this.#storage.setItem(this.#indexOf(record.principal) + id, '1', { ttl: ttlOf(record, now) })
  }

  async #unlink(id: string, { principal }: Pick<StoredSession, 'principal'>): Promise<void> {
    if (principal !== undefined) await this.#storage.removeItem(this.#indexOf(principal) + id)
  }

  #keyOf(id: string): string {
    return `${this.#base}:record:${id}`
  }

  /** No key is made of what users have typed (P43). */
  #indexOf(principal: string): string {
    return `${this.#base}:principal:${createHash('sha256').update(principal).digest('base64url')}:`
  }

  async #idsUnder(base: string): Promise<string[]> {
    const keys = await this.#storage.getKeys(base)
    return keys.map(key => key.slice(key.lastIndexOf(':') + 1))
  }
}

function ttlOf({ expiresAt }: StoredSession, now: number): number {
  return Math.max(1, Math.ceil((expiresAt - now) / 1000))
}

/** Drivers parse what looks like JSON, and not all of them as it is written: a letter in front prevents that. */
function serializeRecord(record: StoredSession): string {
  return `s${JSON.stringify(record)}`
}

/** What {@link serializeRecord} was given; `undefined` for anything else. */
function parseRecord(value: unknown): StoredSession | undefined {
  if (typeof value !== 'string' || !value.startsWith('s{')) return undefined
  try {
    const record = JSON.parse(value.slice(1)) as StoredSession // nobody else writes below these keys
    const { principal, renewedFrom, renewedTo } = record // JSON has no undefined
    return { ...record, principal, renewedFrom, renewedTo }
  } catch {
    return undefined
  }
}

function isWritable(
  session: StoredSession | undefined,
  revision: number | undefined,
): session is StoredSession {
  return session !== undefined && session.revision === revision && session.renewedTo === undefined
}
