import { createRequire } from 'node:module'

import type { SqliteSessionDatabase } from '@allium/sessions/sqlite'

/** A database that a test closes. */
export interface TestDatabase extends SqliteSessionDatabase {
  close(): void
}

/** What tests use of `node:sqlite`, of which the types of Node 20 know nothing. */
interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => TestDatabase
}

const sqlite = load()

/** Opens a database by `node:sqlite`, where this Node has it. */
export const openNodeSqlite = sqlite && ((path: string): TestDatabase => new sqlite.DatabaseSync(path))

function load(): NodeSqlite | undefined {
  try {
    return createRequire(import.meta.url)('node:sqlite') as NodeSqlite
  } catch {
    return undefined
  }
}
