import t from 'tap'

import { VirtualClock } from './virtual-clock.ts'

t.test('stands still until it is advanced', async t => {
  const clock = new VirtualClock({ now: new Date('2030-01-01T00:00:00Z') })
  await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(clock.now(), Date.parse('2030-01-01T00:00:00Z'))
  t.equal(clock.elapsed(), 0)

  await clock.advance(60_000)
  t.equal(clock.now(), Date.parse('2030-01-01T00:01:00Z'))
  t.equal(clock.elapsed(), 60_000)
})

t.test('tells the time of the machine unless it is given one, and refuses what is no moment', async t => {
  t.ok(Math.abs(new VirtualClock().now() - Date.now()) < 1000)
  t.throws(() => new VirtualClock({ now: new Date('gone') }), RangeError)
})

t.test('timers go off in the order of their times, each at its moment', async t => {
  const clock = new VirtualClock()
  const fired: string[] = []
  const set = (name: string, ms: number) =>
    clock.setTimer(() => fired.push(`${name} at ${clock.elapsed()}`), ms)
  set('c', 30)
  set('a', 10)
  set('a too', 10)
  set('never', 31)
  set('cleared', 20).clear()
  await clock.advance(30)

  t.same(fired, ['a at 10', 'a too at 10', 'c at 30'])
  t.match(clock.pending, [{ due: 31 }])
  t.equal(clock.pending.length, 1)
})

t.test('a timer that is set on the way goes off on the same way', async t => {
  const clock = new VirtualClock()
  let beats = 0
  const beat = () => {
    beats++
    clock.setTimer(beat, 1000)
  }
  clock.setTimer(beat, 1000)
  await clock.advance(10_999)
  t.equal(beats, 10)

  await clock.advance(1)
  t.equal(beats, 11)
})

t.test('a delay is over at its moment, and a promise that follows it has settled', async t => {
  const clock = new VirtualClock()
  const steps: number[] = []
  const work = async () => {
    for (let n = 0; n < 3; n++) {
      await clock.delay(100)
      steps.push(clock.elapsed())
    }
  }
  void work()
  await clock.advance(1000)

  t.same(steps, [100, 200, 300])
})

t.test('a timer of 0 ms goes off by itself', async t => {
  const clock = new VirtualClock()
  await clock.delay(0)
  await clock.delay(-1)

  t.equal(clock.elapsed(), 0)
})

t.test('goes forward only', async t => {
  const clock = new VirtualClock()
  for (const milliseconds of [-1, NaN, Infinity]) {
    await t.rejects(clock.advance(milliseconds), {
      message: `Cannot advance the time by ${milliseconds} ms: it goes forward, and by a finite time`,
    })
  }
})

t.test('while it runs, timers go off by themselves and take the time with them', async t => {
  const clock = new VirtualClock()
  const delay = clock.delay(20)
  clock.run()
  await delay
  t.equal(clock.elapsed(), 20)

  await clock.delay(5)
  t.equal(clock.elapsed(), 25)
  clock.setTimer(() => t.fail('it stands still again'), 1)
  clock.setTimer(() => t.fail('longer than Node can count'), 2 ** 40)
  clock.stop()
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(clock.elapsed(), 25)
})

t.test('knows where a timer was set', async t => {
  const clock = new VirtualClock()
  clock.setTimer(() => {}, 10)

  t.match(clock.pending[0]!.stack, /virtual-clock\.test/)
})

t.test('takes the fake timers of a test runner along, step by step', async t => {
  const steps: number[] = []
  const step = (milliseconds: number) => steps.push(milliseconds)
  for (const timers of [{ tick: step }, { advanceTimersByTime: step }]) {
    steps.length = 0
    const clock = new VirtualClock({ timers })
    clock.setTimer(() => steps.push(0), 30)
    await clock.advance(100)

    t.same(steps, [30, 0, 70])
  }
})
