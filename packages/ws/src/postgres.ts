export { PostgresBackplane } from './postgres-backplane.ts'
export type { PostgresBackplaneOptions, PostgresListenClient, PostgresPool } from './postgres-backplane.ts'
