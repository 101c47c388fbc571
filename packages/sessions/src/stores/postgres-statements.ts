/** What a {@link PostgresStore} asks of its server; each is one statement, and so one atomic step. */
export interface PostgresStatements {
  /** Several statements, which may be run again, and by several processes at once. */
  readonly migrate: string
  /** id, now */
  readonly read: string
  /** id, now, the six columns of a record */
  readonly insert: string
  /** id, now, revision, the six columns of a record */
  readonly replace: string
  /** id, now, revision, to, graceUntil, the six columns of a record */
  readonly move: string
  /** id, now, lastSeenAt, expiresAt */
  readonly touch: string
  /** id */
  readonly delete: string
  /** principal, now */
  readonly list: string
  /** principal, id of one that stays → how many were seen, how many removed */
  readonly deleteAll: string
  /** now, how many at most */
  readonly sweep: string
}

/** How many expired records each new one takes away. */
const SWEPT_BY_INSERT = 10
/** Which lock two migrations at once compete for. */
const MIGRATION_LOCK = 7_310_577_216

const ROW =
  'data::text as data, principal, created_at, last_seen_at, expires_at, renewed_from, renewed_to, revision'
const RECORD = 'data, principal, created_at, last_seen_at, expires_at, renewed_from'
const WRITABLE = 'renewed_to is null and expires_at > $2'

/**
 * The statements for a table.
 *
 * @throws TypeError for a name that is not one of lower-case letters, digits and `_`, with or without a schema
 */
export function createPostgresStatements(name: string): PostgresStatements {
  if (!/^(?:[a-z_][a-z\d_]{0,49}\.)?[a-z_][a-z\d_]{0,49}$/.test(name)) {
    throw new TypeError(`Cannot keep sessions in a table "${name}": lower-case letters, digits and _ only`)
  }
  const table = name
    .split('.')
    .map(part => `"${part}"`)
    .join('.')
  const index = name.split('.').at(-1)
  return {
    migrate: `
select pg_advisory_xact_lock(${MIGRATION_LOCK});
create table if not exists ${table} (
  id text primary key,
  data jsonb not null,
  principal text,
  created_at bigint not null,
  last_seen_at bigint not null,
  expires_at bigint not null,
  renewed_from text,
  renewed_to text,
  revision integer not null
);
create index if not exists "${index}_principal" on ${table} (principal) where principal is not null;
create index if not exists "${index}_expires_at" on ${table} (expires_at);
`,
    read: `select ${ROW} from ${table} where id = $1 and expires_at > $2`,
    insert: `
with expired as (
  select id from ${table} where expires_at <= $2 order by expires_at limit ${SWEPT_BY_INSERT} for update skip locked
), swept as (
  delete from ${table} where id in (select id from expired)
)
insert into ${table} (id, ${RECORD}, revision) values ($1, $3::jsonb, $4, $5, $6, $7, $8, 1)
on conflict (id) do nothing`,
    replace: `
update ${table} set (${RECORD}, revision) = ($4::jsonb, $5, $6, $7, $8, $9, revision + 1)
where id = $1 and revision = $3 and ${WRITABLE}`,
    move: `
with left_behind as (
  update ${table} set expires_at = $5, renewed_to = $4
  where id = $1 and revision = $3 and ${WRITABLE} and $5::bigint is not null returning id
), removed as (
  delete from ${table}
  where id = $1 and revision = $3 and ${WRITABLE} and $5::bigint is null returning id
)
insert into ${table} (id, ${RECORD}, revision)
select $4, $6::jsonb, $7::text, $8::bigint, $9::bigint, $10::bigint, $11::text, 1
from (select id from left_behind union all select id from removed) as moved`,
    touch: `update ${table} set last_seen_at = $3, expires_at = $4 where id = $1 and ${WRITABLE}`,
    delete: `delete from ${table} where id = $1 returning ${ROW}`,
    list: `
select id, created_at, last_seen_at, expires_at from ${table} where principal = $1 and ${WRITABLE}`,
    deleteAll: `
with owned as (
  select id from ${table} where principal = $1 and id <> $2
), locked as (
  select id from ${table} where principal = $1 and id <> $2 order by id for update
), removed as (
  delete from ${table} where id in (select id from locked) returning id
)
select (select count(*) from owned) as seen, (select count(*) from removed) as removed`,
    sweep: `
delete from ${table} where id in (
  select id from ${table} where expires_at <= $1 order by expires_at limit $2 for update skip locked
)`,
  }
}
