import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Runs a function as if no test were going on: what a test has in an `AsyncLocalStorage` is not there, as it is not in
 * production. What the function starts stays outside, whoever sets it off later.
 */
export const outsideTests: <Value>(fn: () => Value) => Value = AsyncLocalStorage.snapshot() // of when this module is loaded
