import { randomUUID } from 'node:crypto'

import { RedisStore } from '@allium/sessions/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t from 'tap'
import type { Test } from 'tap'

import { MINUTE, now, record } from './record.ts'
import { redisUrl, skipRedis } from './services.ts'

void t.test('RedisStore', { skip: skipRedis }, async t => {
  t.test('keeps all keys in one slot of a cluster, and lets them expire (P43)', async t => {
    const { client, prefix, store } = openStore(t)
    await store.insert('a', { record, now })
    await store.touch('a', { lastSeenAt: now, expiresAt: now + 2 * MINUTE, now })
    await store.insert('b', { record, now })

    const keys = await client.keys(`*${prefix}*`)
    t.equal(keys.length, 3)
    for (const key of keys) {
      const [slot, name] = key.split('}:')
      t.equal(slot, `{${prefix}`)
      t.notMatch(name, /ada/)
    }
    for (const [id, life] of [
      ['a', 2 * MINUTE],
      ['b', MINUTE],
    ] as const) {
      const left = await client.pttl(`{${prefix}}:${id}`)
      t.ok(left > life - 10_000 && left <= life)
    }
    const index = keys.find(key => key.includes('principal'))!
    t.ok((await client.pttl(index)) > MINUTE, 'the index lives as long as the last session')
  })

  t.test('forgets in the list of a principal what has expired by itself (P43)', async t => {
    const { client, prefix, store } = openStore(t)
    await store.insert('old', { record: { ...record, expiresAt: now + 20 }, now })
    while (await client.exists(`{${prefix}}:old`)) await new Promise(resolve => setTimeout(resolve, 5))

    await store.insert('new', { record, now: now + 30 })

    const [index] = await client.keys(`{${prefix}}:principal:*`)
    t.same(await client.zrange(index!, '0', '-1'), ['new'])
  })

  t.test('has what a client with a key prefix puts before its keys', async t => {
    const keyPrefix = `${randomUUID()}:`
    const client = new Redis(redisUrl, { keyPrefix })
    t.teardown(async () => void (await client.quit()))
    const store = new RedisStore(client)
    await store.insert('a', { record, now })

    t.ok(await store.read('a', now))
    t.equal((await store.list('ada', now)).length, 1)
    t.equal(await store.deleteAll('ada'), 1)
    t.equal(await store.read('a', now), undefined)
  })

  t.test('carries out once what a client sends again after it has lost the connection (P41)', async t => {
    const { client, prefix } = openStore(t)
    const stubborn = {
      eval: (script: string, count: number, ...args: string[]) => client.eval(script, count, ...args),
      async evalsha(sha1: string, count: number, ...args: string[]) {
        await client.evalsha(sha1, count, ...args)
        return client.evalsha(sha1, count, ...args)
      },
    }
    await new RedisStore(client, { prefix }).insert('first', { record, now })
    const store = new RedisStore(stubborn, { prefix })
    await client.script('FLUSH') // so that each script is known after its first run only

    for (const run of ['unknown', 'known']) {
      const [id, to, last] = [`${run} a`, `${run} b`, `${run} c`]
      t.equal(await store.insert(id, { record, now }), true)
      t.equal((await store.replace(id, { record, revision: 1, now })).isWritten, true)
      const move = { record, now, revision: 2, to, graceUntil: now + MINUTE }
      t.equal((await store.move(id, move)).isWritten, true)
      t.equal(
        (await store.move(to, { ...move, revision: 1, to: last, graceUntil: undefined })).isWritten,
        true,
      )
      t.equal((await store.read(last, now))!.revision, 1)
      t.equal(await store.read(to, now), undefined)
    }
  })

  for (const library of ['ioredis', 'redis'] as const) {
    t.test(
      `goes on over ${library} when the server has forgotten the scripts, and passes on what else it says`,
      async t => {
        const { client, prefix } = openStore(t)
        const store = new RedisStore(library === 'ioredis' ? client : await openNodeRedis(t), { prefix })
        await client.script('FLUSH')

        t.equal(await store.insert('a', { record, now }), true)
        await client.set(`{${prefix}}:b`, 'not a hash')
        await t.rejects(store.read('b', now), /WRONGTYPE/)
      },
    )
  }

  t.test('refuses prefixes that are none', async t => {
    const { client } = openStore(t)
    for (const prefix of ['', '{a}', 'a}']) t.throws(() => new RedisStore(client, { prefix }), TypeError)
  })
})

function openStore(t: Test): { client: Redis; prefix: string; store: RedisStore } {
  const client = new Redis(redisUrl)
  t.teardown(async () => void (await client.quit()))
  const prefix = `allium:${randomUUID()}`
  return { client, prefix, store: new RedisStore(client, { prefix }) }
}

async function openNodeRedis(t: Test) {
  const client = createClient({ url: redisUrl })
  await client.connect()
  t.teardown(() => client.close())
  return client
}
