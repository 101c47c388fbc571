import { createClient } from 'redis'

import { REDIS_URL } from '../redis-url.ts'

/** A client of the same library for every server; commands wait until it is connected. */
export function connectRedis() {
  const client = createClient({ url: REDIS_URL })
  void client.connect()
  return client
}
