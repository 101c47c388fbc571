import type { SchemaOption } from '@allium/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'

import { expectEqual, expectText } from './expectation.ts'
import type { TestResponse } from './test-response.ts'

/** Whoever made the request does not wait for it any more: its failure is no news. */
export let silence: (pending: PendingResponse) => void

/**
 * A response that is on its way: awaited, it is a {@link TestResponse}. What is expected of it can be said at once; nothing
 * has to be.
 *
 * @example
 * ```ts
 * import { Application, json } from '@allium/core'
 * import { testClient } from '@allium/testing'
 * import t from 'tap'
 *
 * const app = new Application()
 * app.get('/users/:id', ({ params }) => json({ id: params.id }))
 *
 * t.test('a user is found', async t => {
 *   const client = await testClient(t, app)
 *
 *   await client.get('/users/42').expect(200).expectJson({ id: '42' })
 * })
 * ```
 */
export class PendingResponse extends Promise<TestResponse> {
  /** `then` and its kin give ordinary promises. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  readonly #expectations: PendingResponse[] = []

  static {
    silence = pending => {
      pending.catch(() => undefined)
      for (const expectation of pending.#expectations) silence(expectation)
    }
  }

  /**
   * Expects a status.
   *
   * @throws AssertionError showing the response
   */
  expect(status: number): PendingResponse {
    return this.#check((response, at) =>
      expectEqual(response, { what: 'The status', actual: response.status, expected: status }, at),
    )
  }

  /**
   * Expects a header field to have a value, or to match a pattern; `undefined` for no such field.
   *
   * @throws AssertionError showing the response
   */
  expectHeader(name: string, value: string | RegExp | undefined): PendingResponse {
    return this.#check((response, at) => {
      const actual = response.headers.get(name) ?? undefined
      const what = `The header "${name}"`
      if (value === undefined) return expectEqual(response, { what, actual, expected: value }, at)
      return expectText(response, { what, actual, expected: value }, at)
    })
  }

  /**
   * Expects the whole body, as UTF-8, to be this text, or to match a pattern.
   *
   * @throws AssertionError showing difference and response
   */
  expectText(text: string | RegExp): PendingResponse {
    return this.#check(async (response, at) =>
      expectText(response, { what: 'The body', actual: await response.text(), expected: text }, at),
    )
  }

  /**
   * Expects the body to be JSON and to say the same as this value would as JSON; the order of members is free.
   *
   * @throws AssertionError showing difference and response
   * @throws SyntaxError for a body that is not JSON
   */
  expectJson(value: unknown): PendingResponse {
    return this.#check(async (response, at) => {
      const actual = await response.json()
      await expectEqual(response, { what: 'The JSON', actual, expected: asJson(value) }, at)
    })
  }

  /** As {@link TestResponse.text}. */
  async text(): Promise<string> {
    return (await this).text()
  }

  /** As {@link TestResponse.json}. */
  json<Value = unknown>(): Promise<Value>
  json<Schema extends StandardSchemaV1>(
    options: SchemaOption<Schema>,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>
  async json(options?: SchemaOption<StandardSchemaV1>): Promise<unknown> {
    const response = await this
    return options ? response.json(options) : response.json()
  }

  #check(check: (response: TestResponse, at: Error) => Promise<void>): PendingResponse {
    const at = new Error('expected here') // the lines of the test, which are gone when the response comes
    const expectation = new PendingResponse((resolve, reject) => {
      this.then(async response => {
        await check(response, at)
        return response
      }).then(resolve, reject)
    })
    this.#expectations.push(expectation)
    return expectation
  }
}

function asJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined)
    throw new TypeError(`Cannot expect a ${typeof value}: it is nothing that JSON can say`)
  return JSON.parse(text)
}
