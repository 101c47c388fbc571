import { UsageError } from './usage-error.ts'

/**
 * Sets something up and tears it down again: an async generator with exactly one `yield` between the two halves,
 * or a function that returns something disposable.
 */
export type CleanupContext<Owner> = (
  owner: Owner,
) => AsyncGenerator<unknown, void, unknown> | AsyncDisposable | Promise<AsyncDisposable>

/** Where cleanup contexts are registered. */
export interface CleanupContexts<Owner> {
  /** Adds a context behind those added before. */
  add(context: CleanupContext<Owner>): void
}

/** A clean-up that is still to come, or was begun and does not end. */
export interface PendingTeardown {
  /** The name of its function, or of the key that it provides. */
  readonly name: string
  /** The stack of where it was added to the application. */
  readonly addedAt: string | undefined
}

/** Ends what one context set up. */
export interface Teardown {
  /** `undefined` for what only the framework sees. */
  readonly name: string | undefined
  /** Holds the stack of where it was added, which is written when somebody reads it. */
  readonly origin?: Error | undefined
  run(): Promise<void>
}

/**
 * Runs the first half of a context.
 *
 * @param name shown in messages
 * @returns what was yielded, and the second half
 * @throws UsageError `ERR_CLEANUP_CONTEXT` when a generator ends without a `yield`; whatever the context itself throws
 */
export async function enterContext<Owner>(
  context: CleanupContext<Owner>,
  owner: Owner,
  name: string,
): Promise<{ value: unknown; teardown: Teardown }> {
  const entered = await context(owner)
  if (!isGenerator(entered))
    return { value: entered, teardown: { name, run: async () => entered[Symbol.asyncDispose]() } }

  const first = await entered.next()
  if (first.done) throw misuse(name, 'the generator ended without a yield')
  return { value: first.value, teardown: { name, run: () => leaveGenerator(entered, name) } }
}

/** Runs every teardown, last first, whatever the others do, and gathers the errors. What has run leaves the list. */
export async function runTeardowns(teardowns: Teardown[]): Promise<unknown[]> {
  const errors: unknown[] = []
  for (let teardown = teardowns.at(-1); teardown; teardown = teardowns.at(-1)) {
    await teardown.run().catch((error: unknown) => errors.push(error))
    teardowns.splice(teardowns.indexOf(teardown), 1)
  }
  return errors
}

async function leaveGenerator(
  generator: AsyncGenerator<unknown, void, unknown>,
  name: string,
): Promise<void> {
  const second = await generator.next()
  if (second.done) return
  await generator.return()
  throw misuse(name, 'the generator yielded a second time')
}

function isGenerator(value: object): value is AsyncGenerator<unknown, void, unknown> {
  return 'next' in value && typeof value.next === 'function'
}

function misuse(name: string, state: string): UsageError {
  return new UsageError('ERR_CLEANUP_CONTEXT', `Cannot run cleanup context "${name}": ${state}`)
}
