import { Pool } from 'pg'

import { DATABASE_URL } from '../database-url.ts'
import { QUERY, ROW } from '../payloads.ts'

const pool = new Pool({ connectionString: DATABASE_URL, max: 10 })

/** Asks PostgreSQL for one row, in the same way for every server. */
export async function readRow(): Promise<typeof ROW> {
  const { rows } = await pool.query<typeof ROW>({ name: 'row', text: QUERY, values: [ROW.id, ROW.name] })
  return rows[0]!
}
