/** A test, or what else runs a function when it is over: that of tap, `node:test`, vitest and the like. */
export type TestContext = AfterContext | TeardownContext | FinishedContext

/** As in `node:test` and tap. */
export interface AfterContext {
  /** Runs the function when the test is over, and fails the test when it rejects. */
  after(fn: () => Promise<void>): unknown
}

/** As in tap. */
export interface TeardownContext {
  /** Runs the function when the test is over, and fails the test when it rejects. */
  teardown(fn: () => Promise<void>): unknown
}

/** As in vitest. */
export interface FinishedContext {
  /** Runs the function when the test is over, and fails the test when it rejects. */
  onTestFinished(fn: () => Promise<void>): unknown
}

/** Registers what runs when a test is over. */
export type EndHook = (fn: () => Promise<void>) => unknown

const HOOKS = ['after', 'teardown', 'onTestFinished'] as const

/**
 * The hook of a test, whatever its runner calls it.
 *
 * @throws TypeError when it offers none
 */
export function endHookOf(t: Partial<Record<(typeof HOOKS)[number], EndHook>>): EndHook {
  for (const name of HOOKS) {
    const hook = t[name]
    if (typeof hook === 'function') return fn => hook.call(t, fn)
  }
  throw new TypeError(
    'Cannot start a test client: the test has neither "after", "teardown" nor "onTestFinished"',
  )
}
