import type { ListedSession, SessionRecord, StoredSession } from '../session-store.ts'

/** A record as a table has it. Drivers give whole numbers as numbers, as text, or as `bigint`. */
export interface SessionRow {
  readonly data: string
  readonly principal: string | null
  readonly created_at: unknown
  readonly last_seen_at: unknown
  readonly expires_at: unknown
  readonly renewed_from: string | null
  readonly renewed_to: string | null
  readonly revision: unknown
}

/** One session of a principal, as a table has it. */
export interface ListedRow {
  readonly id: string
  readonly created_at: unknown
  readonly last_seen_at: unknown
  readonly expires_at: unknown
}

/** What {@link toColumns} gives, in this order. */
export type SessionColumns = [string, string | null, number, number, number, string | null]

/** The values of a record for `data, principal, created_at, last_seen_at, expires_at, renewed_from`. */
export function toColumns(record: SessionRecord): SessionColumns {
  const { data, principal, createdAt, lastSeenAt, expiresAt, renewedFrom } = record
  const times = [toTime(createdAt), toTime(lastSeenAt), toTime(expiresAt)] as const
  return [data, principal ?? null, ...times, renewedFrom ?? null]
}

/** Whole milliseconds, and none that a column cannot hold. */
export function toTime(time: number): number {
  return Math.min(Math.floor(time), Number.MAX_SAFE_INTEGER)
}

/** The record that a row holds. */
export function parseRow(row: SessionRow): StoredSession {
  return {
    data: row.data,
    principal: row.principal ?? undefined,
    createdAt: Number(row.created_at),
    lastSeenAt: Number(row.last_seen_at),
    expiresAt: Number(row.expires_at),
    renewedFrom: row.renewed_from ?? undefined,
    revision: Number(row.revision),
    renewedTo: row.renewed_to ?? undefined,
  }
}

/** What a list tells of a row. */
export function parseListed(row: ListedRow): ListedSession {
  return {
    id: row.id,
    createdAt: Number(row.created_at),
    lastSeenAt: Number(row.last_seen_at),
    expiresAt: Number(row.expires_at),
  }
}
