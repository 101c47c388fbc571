export { PostgresStore } from './stores/postgres-store.ts'
export type {
  PostgresSessionClient,
  PostgresSessionResult,
  PostgresStoreOptions,
} from './stores/postgres-store.ts'
