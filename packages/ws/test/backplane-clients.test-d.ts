import { PostgresBackplane } from '@allium/ws/postgres'
import { RedisBackplane } from '@allium/ws/redis'
import type { Cluster, Redis } from 'ioredis'
import type { Pool } from 'pg'
import type { createClient, createCluster, createSentinel } from 'redis'

export function backplanes(ioredis: Redis | Cluster, redis: NodeRedis, pool: Pool): void {
  void new RedisBackplane({ client: ioredis })
  void new RedisBackplane({ client: redis })
  void new PostgresBackplane({ pool })

  // @ts-expect-error a single connection cannot be replaced when it breaks
  void new PostgresBackplane({ pool: {} as PoolClient })
}

type NodeRedis = ReturnType<typeof createClient | typeof createCluster | typeof createSentinel>
type PoolClient = Awaited<ReturnType<Pool['connect']>>
