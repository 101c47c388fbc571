import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

import t from 'tap'

import { Clock } from './clock.ts'
import type { Timer } from './clock.ts'
import { memorySocketPair } from './memory-socket.ts'

/** Keeps the process alive until then, which memory sockets do not. */
async function awake<Value>(promise: Promise<Value>): Promise<Value> {
  const timer = setInterval(() => undefined, 1000)
  return promise.finally(() => clearInterval(timer))
}

/** Timers without `refresh` and `unref`, as some fake clocks have them. */
class FakeTimers {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout }
  readonly #callbacks = new Map<number, () => void>()
  started = 0

  constructor() {
    const setTimeout = (callback: () => void) => {
      this.#callbacks.set(++this.started, callback)
      return this.started
    }
    Object.assign(globalThis, { setTimeout, clearTimeout: (id: number) => this.#callbacks.delete(id) })
  }

  get waiting(): number {
    return this.#callbacks.size
  }

  fire(): void {
    for (const callback of this.#callbacks.values()) callback()
  }

  restore(): void {
    Object.assign(globalThis, this.#real)
  }
}

t.test('MemorySocket.setTimeout', async t => {
  t.test('emits timeout after idle time, and starts over with every byte', async t => {
    const { client, server } = memorySocketPair()
    let idle = 0
    server.setTimeout(40, () => idle++).resume()
    for (const letter of ['a', 'b', 'c']) {
      client.write(letter)
      await delay(20)
    }
    const idleWhileBusy = idle
    await awake(once(server, 'timeout'))

    t.equal(idleWhileBusy, 0)
    t.equal(server.timeout, 40)
  })

  t.test('is driven by the global timers of the moment', async t => {
    const clock = new FakeTimers()
    t.teardown(() => clock.restore())
    const { client, server } = memorySocketPair()
    let idle = 0
    client.setTimeout(60_000, () => idle++)
    client.write('a')
    server.resume()
    await new Promise(resolve => process.nextTick(resolve))
    clock.fire()

    t.equal(idle, 1)
    t.equal(clock.started, 2)
    client.destroy()
    t.equal(clock.waiting, 0)
  })

  t.test('of 0 ends it, and removes the listener', async t => {
    const { client } = memorySocketPair()
    const fail = () => t.fail('timed out')
    client.setTimeout(5, fail).setTimeout(0, fail)
    await delay(10)

    t.equal(client.listenerCount('timeout'), 0)
    t.equal(client.timeout, 0)
    t.equal(client.setTimeout(5).setTimeout(0).timeout, 0)
  })

  t.test('refuses what is no duration, and starts nothing on a destroyed socket', async t => {
    const { client } = memorySocketPair()
    t.throws(() => client.setTimeout(-1), RangeError('Cannot set a socket timeout: -1 is not a duration'))
    client.destroy()

    t.equal(client.setTimeout(1, () => t.fail('timed out')).timeout, 1)
    await delay(5)
  })
})

t.test('idle time is counted on the clock that was given', async t => {
  let [now, timers]: [number, { at: number; fire: () => void }[]] = [0, []]
  class SteppedClock extends Clock {
    override now = () => now
    override elapsed = () => now
    override setTimer(fire: () => void, milliseconds: number): Timer {
      const timer = { at: now + milliseconds, fire }
      timers.push(timer)
      return { clear: () => (timers = timers.filter(each => each !== timer)) }
    }
  }
  const advance = (to: number) => {
    now = to
    const due = timers.filter(({ at }) => at <= to)
    timers = timers.filter(({ at }) => at > to)
    for (const { fire } of due) fire()
  }
  const { client, server } = memorySocketPair({ clock: new SteppedClock() })
  let timeouts = 0
  server.setTimeout(1000, () => timeouts++)
  advance(600)
  client.write('a')
  await once(server, 'readable')
  advance(1000)
  t.equal(timeouts, 0)
  advance(1600)
  t.equal(timeouts, 1)
  server.setTimeout(1000)
  server.setTimeout(0)
  t.same(timers, [])
})
