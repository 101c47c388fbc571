import { RedisStore } from '@allium/sessions/redis'
import { testSessionStore } from '@allium/sessions/store-contract'
import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import t from 'tap'
import type { Test } from 'tap'

import { skipOwnRedis, startOwnRedis } from './own-server.ts'
import type { OwnServer } from './own-server.ts'

void t.test('RedisStore on a cluster', { skip: skipOwnRedis }, async t => {
  const nodes = [await startNode(t), await startNode(t)]
  const urls = nodes.map(({ url }) => url)
  await joinCluster(t, urls)

  t.test('over ioredis', async t => {
    const client = new Cluster(urls)
    t.teardown(async () => void (await client.quit()))
    testStores(t, prefix => new RedisStore(client, { prefix }))
  })

  t.test('over redis', async t => {
    const client = createCluster({ rootNodes: urls.map(url => ({ url })) })
    await client.connect()
    t.teardown(() => client.close())
    testStores(t, prefix => new RedisStore(client, { prefix }))
  })
})

/** Several prefixes: their slots are on both nodes. */
function testStores(t: Test, createStore: (prefix: string) => RedisStore): void {
  for (const prefix of ['a', 'b', 'c', 'd']) {
    testSessionStore(
      (name, run) => void t.test(`${name}, under "${prefix}"`, run),
      () => createStore(prefix),
    )
  }
}

function startNode(t: Test): Promise<OwnServer> {
  return startOwnRedis(t, ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'])
}

/** Each node has half of the slots. */
async function joinCluster(t: Test, urls: readonly string[]): Promise<void> {
  const [first, second] = urls.map(url => new Redis(url)) as [Redis, Redis]
  t.teardown(() => [first, second].forEach(client => client.disconnect()))
  await first.cluster('ADDSLOTSRANGE', 0, 8191)
  await second.cluster('ADDSLOTSRANGE', 8192, 16383)
  await first.cluster('MEET', '127.0.0.1', Number(new URL(urls[1]!).port))
  for (const client of [first, second]) {
    while (!(await client.cluster('INFO')).includes('cluster_state:ok')) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}
