import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'

import t from 'tap'
import type { Test } from 'tap'
import { WebSocket } from 'ws'

import { skipPostgres, skipRedis } from './services.ts'
import { openPostgres } from './stores.ts'

const CONCURRENCY = 50

interface TestedStore {
  readonly skip: string | false
  readonly increments: number
  /** A name under which both processes keep their sessions. */
  readonly prepare: (t: Test) => Promise<string>
}

const stores: Record<'redis' | 'postgres', TestedStore> = {
  redis: { skip: skipRedis, increments: 10_000, prepare: async () => `allium:${randomUUID()}` },
  postgres: {
    skip: skipPostgres,
    increments: 1000,
    prepare: async t => (await openPostgres(t)).table,
  },
}

for (const [kind, { skip, increments, prepare }] of Object.entries(stores)) {
  void t.test(`two processes that share sessions by ${kind}`, { skip }, async t => {
    const name = await prepare(t)
    const urls = [await startProcess(t, kind, name), await startProcess(t, kind, name)]

    t.test(`lose none of ${increments} increments, ${CONCURRENCY} at the same time (P41)`, async t => {
      const cookie = await signIn(urls[0]!)
      const statuses = new Map<number, number>()
      let left = increments
      const visit = async () => {
        while (left-- > 0) {
          const response = await fetch(`${urls[left % 2]}/add`, { method: 'POST', headers: { cookie } })
          await response.text()
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
        }
      }
      await Promise.all(Array.from({ length: CONCURRENCY }, visit))

      t.strictSame([...statuses], [[200, increments]])
      for (const url of urls) t.equal(await countOf(url, cookie), increments)
    })

    t.test('are signed out of both by either (P38)', async t => {
      const cookies = [await signIn(urls[0]!), await signIn(urls[1]!)]
      for (const cookie of cookies) {
        await fetch(`${urls[0]}/add`, { method: 'POST', headers: { cookie } })
        t.equal(await countOf(urls[1]!, cookie), 1)
      }

      const response = await fetch(`${urls[1]}/sign-out-everywhere`, { method: 'POST' })

      t.equal(await response.json(), 3)
      for (const url of urls) for (const cookie of cookies) t.equal(await countOf(url, cookie), null)
    })

    t.test('close with 1008 what a principal has open at both, when they tell each other (P38)', async t => {
      const cookie = await signIn(urls[0]!)
      const sockets = await Promise.all(urls.map(url => openSocket(url, cookie)))
      for (const socket of sockets) {
        socket.send('hello')
        t.equal(String((await once(socket, 'message'))[0]), 'hello')
      }
      const ends = sockets.map(socket => once(socket, 'close'))

      await fetch(`${urls[1]}/sign-out-everywhere`, { method: 'POST' })

      for (const end of ends) t.equal((await end)[0], 1008)
    })
  })
}

/** Starts a process that ends with the test, and gives its URL. */
async function startProcess(t: Test, kind: string, name: string): Promise<string> {
  const child = fork(new URL('./counting-process.js', import.meta.url), [kind, name])
  const exit = once(child, 'exit')
  t.teardown(async () => {
    child.disconnect()
    await exit
  })
  const [url] = (await once(child, 'message')) as [string] // all that it sends
  return url
}

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/sign-in`, { method: 'POST' })
  await response.text()
  return response.headers.getSetCookie()[0]!.split(';')[0]!
}

async function openSocket(url: string, cookie: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url}/socket`, { headers: { cookie } })
  await once(socket, 'open')
  return socket
}

async function countOf(url: string, cookie: string): Promise<unknown> {
  return (await fetch(url, { headers: { cookie } })).json()
}
