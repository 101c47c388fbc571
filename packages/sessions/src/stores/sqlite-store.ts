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
import { parseListed, parseRow, toColumns, toTime } from './sql-rows.ts'
import type { ListedRow, SessionRow } from './sql-rows.ts'
import { createSqliteStatements } from './sqlite-statements.ts'
import type { SqliteSessionDatabase, SqliteStatements } from './sqlite-statements.ts'

/** What a {@link SqliteStore} can be given. */
export interface SqliteStoreOptions {
  /** The table: lower-case letters, digits and `_`. Default `allium_sessions`. */
  readonly table?: string | undefined
  /**
   * How many sessions are kept; of more, those go that would have expired first, a hundredth at once. Default 1,000,000.
   * Processes that share a file count each for itself, and may go beyond it by as many as they are hundredths.
   */
  readonly maxSessions?: number | undefined
}

/** How many expired records each new one takes away. */
const SWEPT_BY_INSERT = 10

/**
 * Keeps sessions in a table of SQLite 3.35 or later, in a file or in memory. Takes a `DatabaseSync` of `node:sqlite` (Node 22.5
 * or later), or a database of `better-sqlite3` or of a library that is called as it is, opened and closed by whoever made it.
 * The table is made if it is not there.
 *
 * Each step is one transaction, and blocks the process for as long as it takes. Processes of one machine may share a
 * file: then `pragma journal_mode = wal` and a `busy_timeout` below the `storeTimeout` are of use, since a database that
 * another process holds locked is a 503. Bounded; each new session removes up to ten that have expired, and
 * {@link SqliteStore.sweep} removes them all.
 *
 * @example
 * ```ts compile
 * import { Application } from '@allium/core'
 * import { sessions } from '@allium/sessions'
 * import { SqliteStore } from '@allium/sessions/sqlite'
 * import type { SqliteSessionDatabase } from '@allium/sessions/sqlite'
 *
 * // new DatabaseSync('sessions.db') of node:sqlite, or new Database('sessions.db') of better-sqlite3
 * export function createApp(database: SqliteSessionDatabase): Application {
 *   database.exec('pragma journal_mode = wal; pragma busy_timeout = 1000')
 *   const app = new Application()
 *   app.use(sessions({ storage: new SqliteStore(database) }))
 *   return app
 * }
 * ```
 */
export class SqliteStore implements SessionStore {
  readonly #database: SqliteSessionDatabase
  readonly #sql: SqliteStatements
  readonly #maxSessions: number
  /** How many sessions may be inserted before they are counted again. */
  #room = 0

  /**
   * @throws TypeError for the name of a table that has other characters
   * @throws RangeError for a number of sessions that is not positive and whole
   */
  constructor(database: SqliteSessionDatabase, options: SqliteStoreOptions = {}) {
    const { table = 'allium_sessions', maxSessions = 1_000_000 } = options
    if (!(Number.isSafeInteger(maxSessions) && maxSessions > 0)) {
      throw new RangeError(`Cannot keep ${maxSessions} sessions in SQLite: it is not a positive whole number`)
    }
    this.#database = database
    this.#sql = createSqliteStatements(database, table)
    this.#maxSessions = maxSessions
  }

  /**
   * Removes all records that have expired.
   *
   * @param now what time it is; default `Date.now()`
   * @returns how many were removed
   */
  sweep(now: number = Date.now()): number {
    return Number(this.#sql.sweep.run(toTime(now), -1).changes)
  }

  read(id: string, now: number): StoredSession | undefined {
    return toStored(this.#sql.read.get(id, toTime(now)))
  }

  insert(id: string, insertion: SessionInsertion): boolean {
    return this.#atomically(() => this.#insert(id, insertion))
  }

  replace(id: string, { record, revision, now }: SessionReplacement): WriteResult {
    return this.#atomically(() => {
      const { changes } = this.#sql.replace.run(...toColumns(record), id, toTime(now), revision)
      return this.#result(id, now, changes)
    })
  }

  move(id: string, { to, record, revision, graceUntil, now }: SessionMove): WriteResult {
    const { leave, remove } = this.#sql
    return this.#atomically(() => {
      const at = [id, toTime(now), revision] as const
      const { changes } =
        graceUntil === undefined ? remove.run(...at) : leave.run(toTime(graceUntil), to, ...at)
      if (isOne(changes)) this.#insert(to, { record, now })
      return this.#result(id, now, changes)
    })
  }

  touch(id: string, { lastSeenAt, expiresAt, now }: SessionTouch): boolean {
    return isOne(this.#sql.touch.run(toTime(lastSeenAt), toTime(expiresAt), id, toTime(now)).changes)
  }

  delete(id: string): StoredSession | undefined {
    return this.#atomically(() => {
      const stored = toStored(this.#sql.find.get(id))
      this.#sql.delete.run(id)
      return stored
    })
  }

  list(principal: string, now: number): ListedSession[] {
    return (this.#sql.list.all(principal, toTime(now)) as ListedRow[]).map(parseListed)
  }

  deleteAll(principal: string, except = ''): number {
    return Number(this.#sql.deleteAll.run(principal, except).changes)
  }

  #insert(id: string, { record, now }: SessionInsertion): boolean {
    this.#makeRoom(now)
    return isOne(this.#sql.insert.run(id, ...toColumns(record)).changes)
  }

  /** Takes away what has expired, and what is too much. */
  #makeRoom(now: number): void {
    this.#sql.sweep.run(toTime(now), SWEPT_BY_INSERT)
    if (this.#room-- > 0) return
    const { count } = this.#sql.count.get() as { count: unknown }
    this.#room = this.#maxSessions - Number(count) - 1
    if (this.#room >= 0) return
    const surplus = Math.floor(this.#maxSessions / 100) - this.#room
    this.#room += surplus
    this.#sql.evict.run(surplus)
  }

  /** What stands in the way of a write. */
  #result(id: string, now: number, written: number | bigint): WriteResult {
    return isOne(written) ? { isWritten: true } : { isWritten: false, current: this.read(id, now) }
  }

  /** Nothing of this process comes in between, since nothing waits; nothing of another, since the file is locked. */
  #atomically<Result>(work: () => Result): Result {
    this.#database.exec('begin immediate')
    try {
      const result = work()
      this.#database.exec('commit')
      return result
    } catch (error) {
      this.#database.exec('rollback')
      throw error
    }
  }
}

function toStored(row: unknown): StoredSession | undefined {
  return row ? parseRow(row as SessionRow) : undefined
}

function isOne(changes: number | bigint): boolean {
  return Number(changes) === 1
}
