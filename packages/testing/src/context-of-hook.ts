import type { AfterContext } from './test-context.ts'

/**
 * What stands in for the test where a runner hands none to its functions, as jest and mocha do: what is started with it is
 * stopped after each test, the last one first. Called once per file or `describe`; tests of it run one after another.
 *
 * @param afterEach the runner's own
 * @example
 * ```ts compile
 * import { afterEach, test } from '@jest/globals'
 * import { Application, text } from '@allium/core'
 * import { contextOf, testClient } from '@allium/testing'
 *
 * const t = contextOf(afterEach)
 *
 * test('a visitor is greeted', async () => {
 *   const app = new Application()
 *   app.get('/', () => text('hello'))
 *   const client = await testClient(t, app)
 *
 *   await client.get('/').expect(200).expectText('hello')
 * })
 * ```
 */
export function contextOf(afterEach: (fn: () => Promise<void>) => unknown): AfterContext {
  const ends: (() => Promise<void>)[] = []
  afterEach(() => runAll(ends))
  return { after: fn => ends.push(fn) }
}

/** Runs all, the last one first, whatever they throw. */
async function runAll(ends: (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = []
  for (let end = ends.pop(); end; end = ends.pop()) {
    await end().catch((error: unknown) => errors.push(error))
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, 'Several things failed to stop after the test')
}
