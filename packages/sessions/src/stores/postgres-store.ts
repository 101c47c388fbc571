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
import { fromJsonb, toJsonb } from './jsonb-text.ts'
import { createPostgresStatements } from './postgres-statements.ts'
import type { PostgresStatements } from './postgres-statements.ts'
import { parseListed, parseRow, toColumns, toTime } from './sql-rows.ts'
import type { ListedRow, SessionRow } from './sql-rows.ts'

/** What a {@link PostgresStore} uses of a `Pool` of `pg`. */
export interface PostgresSessionClient {
  /** Runs a statement; without values also several, as one transaction. */
  query(text: string, values?: unknown[]): Promise<PostgresSessionResult>
}

/** What a {@link PostgresStore} uses of an answer. */
export interface PostgresSessionResult {
  /** What was selected. */
  readonly rows: unknown[]
  /** How many rows were written. */
  readonly rowCount: number | null
}

/** What a {@link PostgresStore} can be given. */
export interface PostgresStoreOptions {
  /** The table, with or without its schema: lower-case letters, digits and `_`. Default `allium_sessions`. */
  readonly table?: string | undefined
}

/** How many records one statement of a sweep removes: none holds its locks for long. */
const SWEEP_AT_ONCE = 1000

/**
 * Keeps sessions in a table of PostgreSQL 10 or later, for any number of processes and machines. Takes a `Pool` of
 * `pg`, closed by whoever made it; it wants a listener for `'error'`, without which a server that goes down takes the
 * process along. Each step is one statement, right at the level `read committed`, which is the
 * default. Values are `jsonb`, for whoever wants to look at them, and times milliseconds since 1970.
 *
 * Each new session removes up to ten that have expired, so the table does not grow for that reason;
 * {@link PostgresStore.sweep} removes them all. What was acknowledged survives a crash of the server, unless
 * `synchronous_commit` is off.
 *
 * @example
 * ```ts compile
 * import { Application } from '@allium/core'
 * import { sessions } from '@allium/sessions'
 * import { PostgresStore } from '@allium/sessions/postgres'
 * import pg from 'pg'
 *
 * const pool = new pg.Pool({ connectionTimeoutMillis: 2000 })
 * pool.on('error', error => console.error('A connection to PostgreSQL has broken', error))
 * const store = new PostgresStore(pool)
 *
 * const app = new Application()
 * app.onStartup.add(() => store.migrate())
 * app.onCleanup.add(() => pool.end())
 * app.use(sessions({ storage: store }))
 * ```
 */
export class PostgresStore implements SessionStore {
  readonly #client: PostgresSessionClient
  readonly #sql: PostgresStatements

  /** @throws TypeError for the name of a table that has other characters */
  constructor(client: PostgresSessionClient, options: PostgresStoreOptions = {}) {
    this.#client = client
    this.#sql = createPostgresStatements(options.table ?? 'allium_sessions')
  }

  /** The statements that {@link PostgresStore.migrate} runs, for a migration tool of your own. */
  get migration(): string {
    return this.#sql.migrate
  }

  /** Makes the table and its indices unless they are there; several processes may do so at once. */
  async migrate(): Promise<void> {
    await this.#client.query(this.#sql.migrate)
  }

  /**
   * Removes all records that have expired.
   *
   * @param now what time it is; default `Date.now()`
   * @returns how many were removed
   */
  async sweep(now: number = Date.now()): Promise<number> {
    let count = 0
    for (;;) {
      const removed = await this.#count(this.#sql.sweep, [toTime(now), SWEEP_AT_ONCE])
      count += removed
      if (removed < SWEEP_AT_ONCE) return count
    }
  }

  async read(id: string, now: number): Promise<StoredSession | undefined> {
    return this.#one(this.#sql.read, [id, toTime(now)])
  }

  async insert(id: string, { record, now }: SessionInsertion): Promise<boolean> {
    return (await this.#count(this.#sql.insert, [id, toTime(now), ...toValues(record)])) === 1
  }

  async replace(id: string, { record, revision, now }: SessionReplacement): Promise<WriteResult> {
    const values = [id, toTime(now), revision, ...toValues(record)]
    return this.#result(id, now, await this.#count(this.#sql.replace, values))
  }

  async move(id: string, { to, record, revision, graceUntil, now }: SessionMove): Promise<WriteResult> {
    const until = graceUntil === undefined ? null : toTime(graceUntil)
    const values = [id, toTime(now), revision, to, until, ...toValues(record)]
    return this.#result(id, now, await this.#count(this.#sql.move, values))
  }

  async touch(id: string, { lastSeenAt, expiresAt, now }: SessionTouch): Promise<boolean> {
    const values = [id, toTime(now), toTime(lastSeenAt), toTime(expiresAt)]
    return (await this.#count(this.#sql.touch, values)) === 1
  }

  async delete(id: string): Promise<StoredSession | undefined> {
    return this.#one(this.#sql.delete, [id])
  }

  async list(principal: string, now: number): Promise<ListedSession[]> {
    const { rows } = await this.#client.query(this.#sql.list, [principal, toTime(now)])
    return (rows as ListedRow[]).map(parseListed)
  }

  async deleteAll(principal: string, except = ''): Promise<number> {
    let count = 0
    for (;;) {
      const { rows } = await this.#client.query(this.#sql.deleteAll, [principal, except])
      const [{ seen, removed }] = rows as [{ seen: unknown; removed: unknown }]
      count += Number(removed)
      // A statement does not see what a move has inserted that it had to wait for: the next one does.
      if (Number(seen) === 0) return count
    }
  }

  async #one(text: string, values: unknown[]): Promise<StoredSession | undefined> {
    const { rows } = await this.#client.query(text, values)
    const [row] = rows as SessionRow[]
    return row && parseRow({ ...row, data: fromJsonb(row.data) })
  }

  async #count(text: string, values: unknown[]): Promise<number> {
    return (await this.#client.query(text, values)).rowCount ?? 0
  }

  /** What stands in the way of a write is still there afterwards, or gone for good. */
  async #result(id: string, now: number, written: number): Promise<WriteResult> {
    return written === 1 ? { isWritten: true } : { isWritten: false, current: await this.read(id, now) }
  }
}

function toValues(record: SessionRecord): unknown[] {
  const [data, ...rest] = toColumns(record)
  return [toJsonb(data), ...rest]
}
