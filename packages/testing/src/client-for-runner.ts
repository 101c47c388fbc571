import type { TestClientOptions } from './client-options.ts'
import type { ApplicationSource } from './startable-app.ts'
import { TestClient } from './test-client.ts'
import { endHookOf } from './test-context.ts'
import type { TestContext } from './test-context.ts'

/**
 * Starts an application now and stops it when the test is over, its clean-up included. No port is opened.
 *
 * @param t the test, or anything with `after`, `teardown` or `onTestFinished`
 * @param app an application, or a function that makes one
 * @throws whatever the startup of the application throws
 * @throws TypeError when the test offers none of these methods
 * @example
 * ```ts
 * import { Application, json } from '@allium/core'
 * import { testClient } from '@allium/testing'
 * import t from 'tap'
 *
 * const app = new Application()
 * const user = app.get('/users/:id', ({ params }) => json({ id: params.id }))
 *
 * t.test('a user is found by id', async t => {
 *   const client = await testClient(t, app)
 *   const response = await client.get(user, { params: { id: 42 } })
 *
 *   t.equal(response.status, 200)
 *   t.same(await response.json(), { id: '42' })
 * })
 * ```
 */
export async function testClient<Values extends readonly unknown[] | [] = readonly []>(
  t: TestContext,
  app: ApplicationSource,
  options?: TestClientOptions<Values> | undefined,
): Promise<TestClient> {
  const atEnd = endHookOf(t)
  const client = await TestClient.start(app, options)
  atEnd(() => client.close())
  return client
}
