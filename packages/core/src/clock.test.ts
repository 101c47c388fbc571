import t from 'tap'

import { systemClock } from './clock.ts'

t.test('tells the time of the machine', async t => {
  const before = [Date.now(), performance.now()]
  const times = [systemClock.now(), systemClock.elapsed()]

  t.ok(times.every((time, i) => time >= before[i]! && time < before[i]! + 1000))
})

t.test('calls back once, unless cleared', async t => {
  const calls: string[] = []
  systemClock.setTimer(() => calls.push('cleared'), 1).clear()
  await new Promise<void>(resolve => systemClock.setTimer(resolve, 2, { keepsAlive: true }))

  t.same(calls, [])
})

t.test('a delay is over in time, or when its AbortSignal fires', async t => {
  const start = performance.now()
  await systemClock.delay(5, { signal: new AbortController().signal })
  t.ok(performance.now() - start > 3)

  const abort = new AbortController()
  const delay = systemClock.delay(60_000, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await t.rejects(delay, { message: 'enough' })
  await t.rejects(systemClock.delay(60_000, { signal: abort.signal }), { message: 'enough' })
})

t.test('a timer may be longer than those of Node', async t => {
  const set: number[] = []
  const { setTimeout } = globalThis
  t.teardown(() => Object.assign(globalThis, { setTimeout }))
  const fireAtOnce = (callback: () => void, milliseconds: number) => {
    set.push(milliseconds)
    return setTimeout(callback, 0)
  }
  Object.assign(globalThis, { setTimeout: fireAtOnce })
  await systemClock.delay(2 ** 32)

  t.same(set, [2 ** 31 - 1, 2 ** 31 - 1, 2])
})
