import { AppKey } from '@allium/core'
import type { Logger } from '@allium/core'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

/** As much of a PostgreSQL client as this application needs; both kinds of database have it. */
export interface Database {
  /** Runs one statement; values are sent apart from it. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Ends every connection. */
  close(): Promise<void>
}

/** The database of the application. */
export const database = new AppKey<Database>('database')

const CONNECTION_TIMEOUT = 5000 // ms
const SCHEMA = `create table if not exists users (
  id integer generated always as identity primary key,
  name text not null,
  email text not null unique
)`

/** Opens a real PostgreSQL, or without a URL one within this process, and makes the table where it is missing. */
export async function openDatabase(url: string | undefined, logger: Logger): Promise<Database> {
  const opened = url === undefined ? openEmbedded() : openPool(url, logger)
  try {
    await opened.query(SCHEMA)
    return opened
  } catch (error) {
    await opened.close()
    throw error
  }
}

function openPool(connectionString: string, logger: Logger): Database {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: CONNECTION_TIMEOUT })
  // The pool replaces an idle connection that breaks; without a receiver the event would end the process.
  pool.on('error', err => logger.warn({ err }, 'An idle database connection broke'))
  return {
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    close: () => pool.end(),
  }
}

function openEmbedded(): Database {
  const embedded = new PGlite()
  return {
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await embedded.query<Row>(text, [...values])).rows,
    close: () => embedded.close(),
  }
}
