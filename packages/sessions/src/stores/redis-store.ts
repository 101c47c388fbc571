import { createHash, randomBytes } from 'node:crypto'

import type {
  ListedSession,
  SessionInsertion,
  SessionMove,
  SessionRecord,
  SessionReplacement,
  SessionStore,
  SessionTouch,
  StoredSession,
  WriteResult,
} from '../session-store.ts'
import { runScript, SESSION_SCRIPTS } from './redis-scripts.ts'
import type { IoredisSessionClient, NodeRedisSessionClient, SessionStep } from './redis-scripts.ts'

/** What a {@link RedisStore} can be given. */
export interface RedisStoreOptions {
  /**
   * Begins every key, in braces: `{allium:session}:…`, where `allium:session` is the default. Each application that
   * shares a Redis with others needs one of its own.
   */
  readonly prefix?: string | undefined
}

/** A reply in which a script tells a record: names and values in turn. */
type Fields = readonly string[]

/**
 * Keeps sessions in Redis 5 or later, or Valkey, for any number of processes and machines. Takes a client of `ioredis` or
 * of `redis`, connected and closed by whoever made it. Each step is one script, so that no process ever sees half of it;
 * what has expired goes by itself. A step that a client sends again after it lost the connection is carried out once.
 *
 * In a cluster all sessions of one prefix are on one node: scripts are atomic there only. Redis forgets the latest writes
 * when it dies unless `appendfsync always` says otherwise, and sessions altogether under a `maxmemory-policy` other than
 * `noeviction`. A client that queues commands while it has no connection makes clients wait for the `storeTimeout`: see
 * `enableOfflineQueue` of ioredis, `disableOfflineQueue` of redis.
 *
 * @example
 * ```ts compile
 * import { Application } from '@allium/core'
 * import { sessions } from '@allium/sessions'
 * import { RedisStore } from '@allium/sessions/redis'
 * import { Redis } from 'ioredis'
 *
 * const redis = new Redis({ enableOfflineQueue: false })
 * const app = new Application()
 * app.use(sessions({ storage: new RedisStore(redis, { prefix: 'shop' }) }))
 * app.onCleanup.add(async () => void (await redis.quit()))
 * ```
 */
export class RedisStore implements SessionStore {
  readonly #client: IoredisSessionClient | NodeRedisSessionClient
  readonly #base: string

  /** @throws TypeError for a prefix that is empty or has braces */
  constructor(client: IoredisSessionClient | NodeRedisSessionClient, options: RedisStoreOptions = {}) {
    const { prefix = 'allium:session' } = options
    if (!/^[^{}]+$/.test(prefix)) {
      throw new TypeError(`Cannot keep sessions under "${prefix}": it is empty or has braces`)
    }
    this.#client = client
    this.#base = `{${prefix}}:`
  }

  async read(id: string, now: number): Promise<StoredSession | undefined> {
    return parseFields(await this.#run('read', now, id))
  }

  async insert(id: string, { record, now }: SessionInsertion): Promise<boolean> {
    const write = createWrite()
    return isOne(await this.#run('insert', now, id, write, ...toFields(record, { revision: 1, write })))
  }

  async replace(id: string, { record, revision, now }: SessionReplacement): Promise<WriteResult> {
    const write = createWrite()
    const fields = toFields(record, { revision: revision + 1, write })
    return toResult(await this.#run('replace', now, id, write, String(revision), ...fields))
  }

  async move(id: string, { to, record, revision, graceUntil, now }: SessionMove): Promise<WriteResult> {
    const write = createWrite()
    const until = graceUntil === undefined ? '' : String(graceUntil)
    const fields = toFields(record, { revision: 1, write })
    return toResult(await this.#run('move', now, id, write, String(revision), to, until, ...fields))
  }

  async touch(id: string, { lastSeenAt, expiresAt, now }: SessionTouch): Promise<boolean> {
    return isOne(await this.#run('touch', now, id, String(lastSeenAt), String(expiresAt)))
  }

  async delete(id: string): Promise<StoredSession | undefined> {
    return parseFields(await this.#run('delete', 0, id))
  }

  async list(principal: string, now: number): Promise<ListedSession[]> {
    const reply = await this.#run('list', now, ownerOf(principal))
    return (reply as Fields[]).map(([id, createdAt, lastSeenAt, expiresAt]) => ({
      id: id!,
      createdAt: Number(createdAt),
      lastSeenAt: Number(lastSeenAt),
      expiresAt: Number(expiresAt),
    }))
  }

  async deleteAll(principal: string, except = ''): Promise<number> {
    return Number(await this.#run('deleteAll', 0, ownerOf(principal), except))
  }

  #run(name: SessionStep, now: number, ...args: string[]): Promise<unknown> {
    return runScript(this.#client, SESSION_SCRIPTS[name], this.#base, [String(now), ...args])
  }
}

/** Names one write, so that a script can tell that it has carried it out before. */
function createWrite(): string {
  return randomBytes(9).toString('base64url')
}

/** What a principal's index is called: no key is made of what users have typed (P43). */
function ownerOf(principal: string): string {
  return createHash('sha256').update(principal).digest('base64url')
}

function toFields(record: SessionRecord, { revision, write }: { revision: number; write: string }): string[] {
  const { data, principal, createdAt, lastSeenAt, expiresAt, renewedFrom } = record
  const owner = principal === undefined ? undefined : ownerOf(principal)
  const fields = {
    ...{ data, revision, write, createdAt, lastSeenAt, expiresAt },
    ...{ principal, owner, renewedFrom },
  }
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]))
}

/** What {@link toFields} has made, and the scripts have kept. */
function parseFields(reply: unknown): StoredSession | undefined {
  if (!Array.isArray(reply)) return undefined
  const fields = new Map<string, string>()
  for (let i = 0; i < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]))
  return {
    data: fields.get('data')!,
    principal: fields.get('principal'),
    createdAt: Number(fields.get('createdAt')),
    lastSeenAt: Number(fields.get('lastSeenAt')),
    expiresAt: Number(fields.get('expiresAt')),
    renewedFrom: fields.get('renewedFrom'),
    revision: Number(fields.get('revision')),
    renewedTo: fields.get('renewedTo'),
  }
}

function toResult(reply: unknown): WriteResult {
  const [isWritten, current] = reply as [number, unknown] // what the scripts return
  return isOne(isWritten) ? { isWritten: true } : { isWritten: false, current: parseFields(current) }
}

function isOne(reply: unknown): boolean {
  return Number(reply) === 1
}
