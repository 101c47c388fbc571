/** What a {@link SqliteStore} uses of a `DatabaseSync` of `node:sqlite`, or of a database of `better-sqlite3`. */
export interface SqliteSessionDatabase {
  /** Runs statements without values. */
  exec(sql: string): unknown
  /** Prepares a statement to be run often. */
  prepare(sql: string): SqliteSessionStatement
}

/** What a {@link SqliteStore} uses of a prepared statement. */
export interface SqliteSessionStatement {
  /** Runs it, and tells how many rows it has written. */
  run(...values: unknown[]): SqliteSessionChange
  /** Runs it, and gives the first row, or `undefined`. */
  get(...values: unknown[]): unknown
  /** Runs it, and gives all rows. */
  all(...values: unknown[]): unknown[]
}

/** What a {@link SqliteStore} uses of what running a statement gives. */
export interface SqliteSessionChange {
  /** How many rows were written. */
  readonly changes: number | bigint
}

/** What a {@link SqliteStore} asks of its database. */
export interface SqliteStatements {
  /** id, now */
  readonly read: SqliteSessionStatement
  /** id */
  readonly find: SqliteSessionStatement
  /** id, the six columns of a record */
  readonly insert: SqliteSessionStatement
  /** the six columns of a record, id, now, revision */
  readonly replace: SqliteSessionStatement
  /** graceUntil, to, id, now, revision */
  readonly leave: SqliteSessionStatement
  /** id, now, revision */
  readonly remove: SqliteSessionStatement
  /** lastSeenAt, expiresAt, id, now */
  readonly touch: SqliteSessionStatement
  /** id */
  readonly delete: SqliteSessionStatement
  /** principal, now */
  readonly list: SqliteSessionStatement
  /** principal, id of one that stays */
  readonly deleteAll: SqliteSessionStatement
  /** now, how many at most, or -1 */
  readonly sweep: SqliteSessionStatement
  /** → count */
  readonly count: SqliteSessionStatement
  /** how many */
  readonly evict: SqliteSessionStatement
}

const LIVING = 'id = ? and expires_at > ?'
const WRITABLE = `${LIVING} and renewed_to is null`

/**
 * Makes the table unless it is there, and prepares the statements for it.
 *
 * @throws TypeError for a name that is not one of lower-case letters, digits and `_`
 */
export function createSqliteStatements(database: SqliteSessionDatabase, table: string): SqliteStatements {
  if (!/^[a-z_][a-z\d_]{0,49}$/.test(table)) {
    throw new TypeError(`Cannot keep sessions in a table "${table}": lower-case letters, digits and _ only`)
  }
  database.exec(`
create table if not exists ${table} (
  id text primary key,
  data text not null,
  principal text,
  created_at integer not null,
  last_seen_at integer not null,
  expires_at integer not null,
  renewed_from text,
  renewed_to text,
  revision integer not null
) without rowid;
create index if not exists ${table}_principal on ${table} (principal) where principal is not null;
create index if not exists ${table}_expires_at on ${table} (expires_at);
`)
  const sql = {
    read: `select * from ${table} where ${LIVING}`,
    find: `select * from ${table} where id = ?`,
    insert: `
insert into ${table} (id, data, principal, created_at, last_seen_at, expires_at, renewed_from, revision)
values (?, ?, ?, ?, ?, ?, ?, 1) on conflict (id) do nothing`,
    replace: `
update ${table} set data = ?, principal = ?, created_at = ?, last_seen_at = ?, expires_at = ?, renewed_from = ?,
  revision = revision + 1
where ${WRITABLE} and revision = ?`,
    leave: `update ${table} set expires_at = ?, renewed_to = ? where ${WRITABLE} and revision = ?`,
    remove: `delete from ${table} where ${WRITABLE} and revision = ?`,
    touch: `update ${table} set last_seen_at = ?, expires_at = ? where ${WRITABLE}`,
    delete: `delete from ${table} where id = ?`,
    list: `
select id, created_at, last_seen_at, expires_at from ${table}
where principal = ? and expires_at > ? and renewed_to is null`,
    deleteAll: `delete from ${table} where principal = ? and id <> ?`,
    sweep: `
delete from ${table} where id in (select id from ${table} where expires_at <= ? order by expires_at limit ?)`,
    count: `select count(*) as count from ${table}`,
    evict: `delete from ${table} where id in (select id from ${table} order by expires_at limit ?)`,
  }
  const prepare = (text: string) => database.prepare(text)
  return {
    read: prepare(sql.read),
    find: prepare(sql.find),
    insert: prepare(sql.insert),
    replace: prepare(sql.replace),
    leave: prepare(sql.leave),
    remove: prepare(sql.remove),
    touch: prepare(sql.touch),
    delete: prepare(sql.delete),
    list: prepare(sql.list),
    deleteAll: prepare(sql.deleteAll),
    sweep: prepare(sql.sweep),
    count: prepare(sql.count),
    evict: prepare(sql.evict),
  }
}
