import { stateEntry } from '@allium/core'
import type { AppKey, StateEntry } from '@allium/core'

/** State for the application, each value of its key's type: what would provide these keys is not run. */
export type StateOverrides<Values extends readonly unknown[]> = {
  readonly [Index in keyof Values]: readonly [key: AppKey<Values[Index]>, value: NoInfer<Values[Index]>]
}

/** The same as the runner takes it. */
export function toStateEntries(state: readonly unknown[] | undefined): StateEntry[] {
  const pairs = (state ?? []) as readonly (readonly [AppKey<unknown>, unknown])[] // each was compared with its key
  return pairs.map(([key, value]) => stateEntry(key, value))
}
