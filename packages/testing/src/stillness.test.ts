import { pbkdf2 } from 'node:crypto'
import t from 'tap'

import { realDelay } from './real-time.ts'
import { OtherThreads, Stillness } from './stillness.ts'

t.test('sees that other threads are at work, and that they are not', async t => {
  const isSeen = async (expected: boolean) => {
    for (let n = 0; n < 500; n++) {
      const threads = new OtherThreads()
      await realDelay(20)
      if (threads.isHigh === expected) return true
    }
    return false
  }
  let isOver = false
  const hash = () => void (isOver || pbkdf2('password', 'salt', 50_000, 32, 'sha512', hash))
  hash()
  t.equal(await isSeen(true), true)

  isOver = true
  t.equal(await isSeen(false), true)
})

t.test('waits as long as something happens', async t => {
  let activity = 0
  const stillness = new Stillness({
    activity: () => (activity < 20 ? ++activity : activity),
    isBusy: () => false,
  })
  await stillness.settle(5000)

  t.equal(activity, 20)
})

t.test('two that wait do not keep each other waiting', async t => {
  const settle = () => new Stillness({ activity: () => 0, isBusy: () => false }).settle(5000)

  await t.resolves(Promise.all([settle(), settle(), settle()]))
})

t.test('names nothing where nothing is listed', async t => {
  let activity = 0
  const stillness = new Stillness({ activity: () => activity++, isBusy: () => true })

  await t.rejects(stillness.settle(20), { message: 'The application did not come to rest within 20 ms' })
})
