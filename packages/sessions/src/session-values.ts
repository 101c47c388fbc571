import { HttpConflict } from '@allium/core'

/** No values, as text. */
const NO_VALUES = '{}'

/**
 * What happens when another request has written the session since this one read it.
 *
 * - `'merge'`: what each request has set is kept, key by key; of two that set the same key the last one wins.
 * - `'retry'`: the same, but for a key that both have set, where the last one is a 409.
 * - `'fail'`: the last one is a 409, whatever it has set.
 *
 * What `update` does is done again on the newer value by the first two: counters count.
 */
export type ConcurrencyPolicy = 'merge' | 'retry' | 'fail'

type Update = (stored: unknown) => unknown

/** What has happened to one value: set (to what it is now), deleted, or worked out of the former one. */
type Edit = 'set' | 'deleted' | readonly Update[]

/** What a value is stored under, and what it means. */
export interface ValueKey<Value> {
  readonly name: string
  read(stored: unknown): Value | undefined
}

/** A value that somebody outside holds, and how it looked when it was handed out. */
interface HandedOut {
  readonly key: ValueKey<unknown>
  readonly value: object
  text: string
}

/** Changes that are on their way into a record. */
export interface ValueChanges {
  /** Whether there are any. */
  readonly isChanged: boolean
  /** Whether they are fulfilled when nothing is stored at all. */
  readonly onlyRemoves: boolean
  /** Whether values are left. */
  readonly hasValues: boolean
  /** All values after the changes, as a JSON object. */
  readonly text: string
  /**
   * The same changes to the values of a newer record.
   *
   * @throws HttpConflict where the policy does not allow it
   */
  onto(newer: string, policy: ConcurrencyPolicy): string
}

/** Changes, as they were when they were taken; later ones do not reach them. */
class TakenChanges implements ValueChanges {
  readonly text: string
  readonly edits: ReadonlyMap<string, Edit>
  readonly isCleared: boolean
  readonly #before: string

  constructor(
    before: string,
    view: ReadonlyMap<string, unknown>,
    edits: Map<string, Edit>,
    isCleared: boolean,
  ) {
    this.#before = before
    this.text = serializeValues(view)
    this.edits = edits
    this.isCleared = isCleared
  }

  get isChanged(): boolean {
    return this.isCleared || this.edits.size > 0
  }

  get onlyRemoves(): boolean {
    return [...this.edits.values()].every(edit => edit === 'deleted')
  }

  get hasValues(): boolean {
    return this.text !== NO_VALUES
  }

  onto(newer: string, policy: ConcurrencyPolicy): string {
    const values = parseValues(newer)
    if (policy === 'fail' || !values) throw conflict()
    if (policy === 'retry') this.#assertApart(values)
    const own = parseValues(this.text)!
    if (this.isCleared) values.clear()
    for (const [name, edit] of this.edits) {
      const value =
        typeof edit === 'string'
          ? own.get(name)
          : edit.reduce((now, work) => run(name, work, now), values.get(name))
      if (value === undefined) values.delete(name)
      else values.set(name, value)
    }
    return serializeValues(values)
  }

  /** Refuses when another request has changed what is set or deleted here. */
  #assertApart(newer: ReadonlyMap<string, unknown>): void {
    const before = parseValues(this.#before)!
    const claimed = this.isCleared ? [...before.keys(), ...newer.keys()] : this.edits.keys()
    for (const name of claimed) {
      const isWorkedOut = typeof this.edits.get(name) === 'object'
      if (!isWorkedOut && JSON.stringify(before.get(name)) !== JSON.stringify(newer.get(name)))
        throw conflict()
    }
  }
}

/**
 * The values of a session as one request sees them, and what it has changed. An object that was got and then changed in
 * place counts as set.
 */
export class SessionValues {
  /** As they are stored. */
  #text: string
  #view: Map<string, unknown>
  #edits = new Map<string, Edit>()
  #isCleared = false
  readonly #handedOut = new Map<string, HandedOut>()

  /** @param text a JSON object that {@link parseValues} can read */
  constructor(text: string = NO_VALUES) {
    this.#text = text
    this.#view = parseValues(text)!
  }

  get isChanged(): boolean {
    this.#collectAll()
    return this.#isCleared || this.#edits.size > 0
  }

  get<Value>(key: ValueKey<Value>): Value | undefined {
    const handed = this.#handedOut.get(key.name)
    // what was handed out for this very key is what its read() gave
    if (handed?.key === key) return handed.value as Value
    if (handed) this.#collect(key.name, handed)
    const value = key.read(this.#view.get(key.name))
    if (typeof value === 'object' && value !== null) {
      this.#handedOut.set(key.name, { key, value, text: JSON.stringify(value) })
    }
    return value
  }

  set(name: string, value: unknown): void {
    assertJson(name, value)
    this.#put(name, value)
    this.#edits.set(name, 'set')
  }

  delete(name: string): void {
    if (!this.#view.has(name)) return
    this.#put(name, undefined)
    this.#edits.set(name, 'deleted')
  }

  clear(): void {
    this.#handedOut.clear()
    this.#view.clear()
    this.#edits.clear()
    this.#isCleared = true
  }

  /** Works the value out of what it is now, and again when another request turns out to have been faster. */
  update(name: string, work: Update): void {
    this.#collectAll()
    const value = run(name, work, this.#view.get(name))
    const before = this.#edits.get(name) ?? (this.#isCleared ? 'deleted' : [])
    const isFixed = typeof before === 'string'
    this.#edits.set(name, isFixed ? fixed(value) : [...before, work])
    this.#put(name, value)
  }

  /** Gives the changes out to be stored; then comes {@link settle}, or {@link restore} if that fails. */
  take(): ValueChanges {
    this.#collectAll()
    const taken = new TakenChanges(this.#text, this.#view, this.#edits, this.#isCleared)
    this.#edits = new Map()
    this.#isCleared = false
    return taken
  }

  /** What was taken is stored, as this text, maybe with what others have stored. */
  settle(taken: ValueChanges, text: string): void {
    this.#text = text
    if (text === taken.text) return
    this.#collectAll()
    const later = new TakenChanges(text, this.#view, this.#edits, this.#isCleared)
    this.#view = parseValues(later.onto(text, 'merge'))!
    this.#handedOut.clear()
  }

  /** What was taken is not stored: it counts again, beneath what has changed since. */
  restore(taken: ValueChanges): void {
    const { edits, isCleared } = taken as TakenChanges // made by take()
    if (this.#isCleared) return
    for (const [name, later] of this.#edits) {
      const earlier = edits.get(name) ?? (isCleared ? 'deleted' : [])
      if (typeof later !== 'string') {
        this.#edits.set(
          name,
          typeof earlier === 'string' ? fixed(this.#view.get(name)) : [...earlier, ...later],
        )
      }
    }
    this.#edits = new Map([...edits, ...this.#edits])
    this.#isCleared = isCleared
  }

  #put(name: string, value: unknown): void {
    this.#handedOut.delete(name)
    if (value === undefined) this.#view.delete(name)
    else this.#view.set(name, value)
  }

  #collectAll(): void {
    for (const [name, handed] of this.#handedOut) this.#collect(name, handed)
  }

  #collect(name: string, handed: HandedOut): void {
    const text = JSON.stringify(handed.value)
    if (text === handed.text) return
    handed.text = text
    this.#view.set(name, handed.value)
    this.#edits.set(name, 'set')
  }
}

/** Reads the values of a record; `undefined` when it is not a JSON object. */
export function parseValues(text: string): Map<string, unknown> | undefined {
  try {
    const values: unknown = JSON.parse(text)
    const isObject = typeof values === 'object' && values !== null && !Array.isArray(values)
    return isObject ? new Map(Object.entries(values)) : undefined
  } catch {
    return undefined
  }
}

/** The error of a request that another one was faster than. */
export function conflict(): HttpConflict {
  return new HttpConflict('Another request has changed the session meanwhile')
}

function fixed(value: unknown): 'set' | 'deleted' {
  return value === undefined ? 'deleted' : 'set'
}

// fromEntries() defines properties: a value named "__proto__" stays one (P43).
function serializeValues(values: ReadonlyMap<string, unknown>): string {
  return JSON.stringify(Object.fromEntries(values))
}

function run(name: string, work: Update, stored: unknown): unknown {
  const value = work(stored)
  if (value === undefined) return undefined
  if (value instanceof Promise) {
    value.catch(() => {})
    throw new TypeError(`Cannot update session value "${name}": the function is asynchronous`)
  }
  assertJson(name, value)
  return value
}

function assertJson(name: string, value: unknown): void {
  const text = JSON.stringify(value) as string | undefined // undefined for undefined, functions and symbols
  if (text === undefined)
    throw new TypeError(`Cannot set session value "${name}": JSON has no ${typeof value}`)
}
