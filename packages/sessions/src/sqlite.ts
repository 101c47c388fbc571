export { SqliteStore } from './stores/sqlite-store.ts'
export type { SqliteStoreOptions } from './stores/sqlite-store.ts'
export type {
  SqliteSessionChange,
  SqliteSessionDatabase,
  SqliteSessionStatement,
} from './stores/sqlite-statements.ts'
