import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

import { Application } from '@allium/core'
import type { Awaitable } from '@allium/core'

import type { Backplane, BackplaneConnection } from './backplane.ts'

/** Registers a test: `test` of `node:test`, vitest or jest, or that of tap wrapped. */
export type RegisterTest = (name: string, run: () => Promise<void>) => unknown

/** Makes the backplane that a test is about. */
export type CreateBackplane = () => Awaitable<Backplane>

interface Link extends BackplaneConnection {
  /** What has come, as `channel: message`. */
  readonly received: string[]
}

interface ContractTest {
  readonly name: string
  readonly run: (connect: () => Promise<Link>, channel: string) => Promise<void>
}

const ODD = ['', ' ', '\0 \n \r\n', 'naïve 🦊 \u2028', '"\'\\;--', '{"json":true}', 'x'.repeat(1024 * 1024)]

/**
 * Registers the tests that every {@link Backplane} has to pass. They use channels of their own, so the service behind it may be
 * shared.
 *
 * @example
 * ```ts
 * import { MemoryBackplane } from '@allium/ws'
 * import { testBackplane } from '@allium/ws/backplane-contract'
 * import t from 'tap'
 *
 * testBackplane(
 *   (name, run) => void t.test(name, run),
 *   () => new MemoryBackplane(),
 * )
 * ```
 */
export function testBackplane(test: RegisterTest, create: CreateBackplane): void {
  for (const { name, run } of CONTRACT) {
    test(name, async () => {
      const backplane = await create()
      const links: Link[] = []
      try {
        await run(async () => {
          const link = await open(backplane)
          links.push(link)
          return link
        }, randomUUID())
      } finally {
        for (const link of links) await link.close()
      }
    })
  }
}

const CONTRACT: readonly ContractTest[] = [
  {
    name: 'delivers what is published to every connection that has subscribed',
    async run(connect, channel) {
      const [first, second, third] = [await connect(), await connect(), await connect()]
      await first.subscribe(channel)
      await second.subscribe(channel)
      await third.subscribe(`${channel}-other`)

      await first.publish(channel, 'hello')
      await third.publish(channel, 'from outside')

      await arrived(first, [`${channel}: hello`, `${channel}: from outside`])
      await arrived(second, [`${channel}: hello`, `${channel}: from outside`])
      await third.publish(`${channel}-other`, 'the end')
      await arrived(third, [`${channel}-other: the end`])
    },
  },
  {
    name: 'keeps every text as it is, and large ones whole',
    async run(connect, channel) {
      const [from, to] = [await connect(), await connect()]
      await to.subscribe(channel)

      for (const text of ODD) await from.publish(channel, text)

      await arrived(
        to,
        ODD.map(text => `${channel}: ${text}`),
      )
    },
  },
  {
    name: 'keeps the order of one publisher, also of what it does not wait for',
    async run(connect, channel) {
      const [from, to] = [await connect(), await connect()]
      await to.subscribe(channel)
      const numbers = Array.from({ length: 200 }, (_, index) => `${channel}: ${index}`)

      for (let i = 0; i < 100; i++) await from.publish(channel, String(i))
      const sending = Array.from({ length: 100 }, (_, index) => from.publish(channel, String(100 + index)))
      await Promise.all(sending)

      await arrived(to, numbers)
    },
  },
  {
    name: 'tells channels apart, whatever their names',
    async run(connect, channel) {
      const [from, to] = [await connect(), await connect()]
      const first = `a:b${channel}`
      const odd = ['a b', "'; drop table x; --", '*', '{a}', '__proto__', 'ключ']
      const names = [first, ...odd.map(name => name + channel)]
      for (const name of names) await to.subscribe(name)

      for (const name of names) await from.publish(name, name)
      await from.publish(`*${channel}x`, 'nobody hears this')
      await from.publish(first, 'end')

      await arrived(to, [...names.map(name => `${name}: ${name}`), `${first}: end`])
    },
  },
  {
    name: 'delivers nothing of a channel that is not subscribed to any more, until it is again',
    async run(connect, channel) {
      const [from, to] = [await connect(), await connect()]
      await to.subscribe(channel)
      await to.subscribe(`${channel}-2`)
      await to.unsubscribe(channel)
      await from.publish(channel, 'missed')
      await from.publish(`${channel}-2`, 'heard')
      await arrived(to, [`${channel}-2: heard`])

      await to.subscribe(channel)
      await from.publish(channel, 'again')

      await arrived(to, [`${channel}-2: heard`, `${channel}: again`])
    },
  },
  {
    name: 'delivers nothing to a connection that is closed',
    async run(connect, channel) {
      const [from, gone, to] = [await connect(), await connect(), await connect()]
      await gone.subscribe(channel)
      await to.subscribe(channel)
      await gone.close()

      await from.publish(channel, 'hello')

      await arrived(to, [`${channel}: hello`])
      assert.deepEqual(gone.received, [])
    },
  },
]

async function open(backplane: Backplane): Promise<Link> {
  const received: string[] = []
  const { clock, logger } = new Application()
  const connection = await backplane.connect({
    clock,
    logger,
    onMessage: (channel, message) => received.push(`${channel}: ${message}`),
    onGap: () => received.push('gap'),
  })
  return {
    received,
    publish: (channel, message) => connection.publish(channel, message),
    subscribe: channel => connection.subscribe(channel),
    unsubscribe: channel => connection.unsubscribe(channel),
    close: () => connection.close(),
  }
}

/** Waits for these messages, and that they are all. */
async function arrived({ received }: Link, expected: readonly string[]): Promise<void> {
  const { clock } = new Application()
  const deadline = clock.elapsed() + 5000
  while (received.length < expected.length && clock.elapsed() < deadline) await clock.delay(2)
  assert.deepEqual(received, expected)
}
