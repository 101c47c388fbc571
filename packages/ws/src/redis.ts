export { RedisBackplane } from './redis-backplane.ts'
export type {
  IoredisPubSubClient,
  IoredisSubscriber,
  NodeRedisPubSubClient,
  NodeRedisSubscriber,
  RedisBackplaneOptions,
} from './redis-backplane.ts'
