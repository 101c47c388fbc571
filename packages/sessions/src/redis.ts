export { RedisStore } from './stores/redis-store.ts'
export type { RedisStoreOptions } from './stores/redis-store.ts'
export type { IoredisSessionClient, NodeRedisSessionClient } from './stores/redis-scripts.ts'
