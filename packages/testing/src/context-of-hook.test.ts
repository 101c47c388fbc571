import t from 'tap'

import { contextOf } from './context-of-hook.ts'

function createContext() {
  let runAfterEach: () => Promise<void> = () => Promise.reject(new Error('nothing was registered'))
  const context = contextOf(fn => (runAfterEach = fn))
  return { context, endTest: () => runAfterEach() }
}

t.test('what a test leaves is ended after it, the last one first, and once', async t => {
  const { context, endTest } = createContext()
  const ended: string[] = []
  context.after(async () => void ended.push('first'))
  context.after(async () => void ended.push('second'))
  await endTest()
  await endTest()

  t.same(ended, ['second', 'first'])
})

t.test('what one of them throws fails the hook when the others are through', async t => {
  const { context, endTest } = createContext()
  const ended: string[] = []
  context.after(async () => void ended.push('first'))
  context.after(() => Promise.reject(new Error('no')))

  await t.rejects(endTest(), /^no$/)
  t.same(ended, ['first'])
})

t.test('several errors are thrown together', async t => {
  const { context, endTest } = createContext()
  context.after(() => Promise.reject(new Error('one')))
  context.after(() => Promise.reject(new Error('two')))

  await t.rejects(endTest(), { errors: [{ message: 'two' }, { message: 'one' }] })
})
