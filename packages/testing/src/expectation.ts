import { AssertionError, deepStrictEqual } from 'node:assert'

import type { TestResponse } from './test-response.ts'

/** What was found, and what there should have been. */
export interface Difference {
  /** What about the response is compared: `the status`. */
  readonly what: string
  readonly actual: unknown
  readonly expected: unknown
}

/** How many calls are between the line of the test and the error that remembers it. */
const OWN_FRAMES = 2

/**
 * Compares by depth.
 *
 * @param at where the test expects it: the stack of the error is that of this one
 * @throws AssertionError showing the difference and the response
 */
export async function expectEqual(response: TestResponse, difference: Difference, at: Error): Promise<void> {
  const { actual, expected } = difference
  try {
    deepStrictEqual(actual, expected)
  } catch (error) {
    const diff = (error as Error).message.split('\n').slice(1).join('\n').trim()
    throw await expectationError(response, difference, at, diff)
  }
}

/**
 * Compares text, or has a pattern look at it.
 *
 * @throws AssertionError as {@link expectEqual}
 */
export async function expectText(
  response: TestResponse,
  difference: Difference & { readonly expected: string | RegExp },
  at: Error,
): Promise<void> {
  const { actual, expected } = difference
  if (typeof expected === 'string') return expectEqual(response, difference, at)
  if (typeof actual === 'string' && expected.test(actual)) return
  throw await expectationError(
    response,
    difference,
    at,
    `${expected} does not match ${JSON.stringify(actual)}`,
  )
}

async function expectationError(
  response: TestResponse,
  { what, actual, expected }: Difference,
  at: Error,
  diff: string,
): Promise<AssertionError> {
  const message = `${what} of ${response.name} is not what is expected\n\n${diff}\n\n${await show(response)}`
  const error = new AssertionError({ message, actual, expected, operator: 'expect' })
  const lines = at.stack!.split('\n').slice(1 + OWN_FRAMES)
  error.stack = [`${error.name} [${error.code}]: ${message}`, ...lines].join('\n')
  return error
}

/** How it came about, the body of the response included as far as it comes. */
async function show(response: TestResponse): Promise<string> {
  await response.text().catch(() => undefined)
  return response.transcript
}
