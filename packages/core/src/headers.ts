import { validateHeaderName, validateHeaderValue } from 'node:http'

import { UsageError } from './usage-error.ts'

/** What a `Headers` can be made of. */
export type HeadersInit = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>

/**
 * Header fields of a response: ordered, names without regard to case, several values under one name where HTTP
 * allows it. The interface is the Fetch one; the class is Allium's own because the global `Headers` costs
 * several times as much and forgets the order.
 *
 * Names and values that HTTP does not allow throw at once (RFC 9110 §5.1, §5.5): nobody can smuggle a line break
 * into a response. They are sent in Latin-1, one byte for each letter up to U+00FF, whatever the body is; what lies beyond
 * throws, too.
 */
export class Headers {
  // Name, value, name, value … with lower-case names: the very array that writeHead takes.
  readonly #list: string[]
  #haveLeft = false

  /** @throws TypeError for a name or a value that is not allowed in a header field */
  constructor(init?: HeadersInit | undefined) {
    this.#list = []
    if (init) for (const [name, value] of entriesOf(init)) this.append(name, value)
  }

  /** The value, several of one name joined with `, `; `null` when there is none. */
  get(name: string): string | null {
    const lower = name.toLowerCase()
    let found: string | null = null
    for (let i = 0; i < this.#list.length; i += 2) {
      if (this.#list[i] === lower)
        found = found === null ? this.#list[i + 1]! : `${found}, ${this.#list[i + 1]}`
    }
    return found
  }

  /** Whether the name is present. */
  has(name: string): boolean {
    return this.#indexOf(name.toLowerCase()) !== -1
  }

  /**
   * Sets the only value of a name, keeping the place of the first one.
   *
   * @throws TypeError for a name or a value that is not allowed in a header field
   * @throws UsageError `ERR_RESPONSE_PREPARED` once the headers of a `StreamResponse` have left
   */
  set(name: string, value: string): void {
    this.#assertHere(name)
    const lower = validName(name)
    validateHeaderValue(name, value)
    const index = this.#indexOf(lower)
    if (index === -1) {
      this.#list.push(lower, value)
    } else {
      this.#list[index + 1] = value
      this.#removeFrom(index + 2, lower)
    }
  }

  /**
   * Adds a further value, as a field of its own.
   *
   * @throws TypeError for a name or a value that is not allowed in a header field
   * @throws UsageError `ERR_RESPONSE_PREPARED` once the headers of a `StreamResponse` have left
   */
  append(name: string, value: string): void {
    this.#assertHere(name)
    const lower = validName(name)
    validateHeaderValue(name, value)
    this.#list.push(lower, value)
  }

  /**
   * Removes every value of the name.
   *
   * @throws UsageError `ERR_RESPONSE_PREPARED` once the headers of a `StreamResponse` have left
   */
  delete(name: string): void {
    this.#assertHere(name)
    this.#removeFrom(0, name.toLowerCase())
  }

  /** The values of `Set-Cookie`, one by one: the only field that must not be joined (RFC 9110 §5.3). */
  getSetCookie(): string[] {
    const values: string[] = []
    for (let i = 0; i < this.#list.length; i += 2) {
      if (this.#list[i] === 'set-cookie') values.push(this.#list[i + 1]!)
    }
    return values
  }

  /** Name and value of each field, in order, repeated names repeatedly. */
  *[Symbol.iterator](): Generator<[string, string], undefined> {
    for (let i = 0; i < this.#list.length; i += 2) yield [this.#list[i]!, this.#list[i + 1]!]
  }

  /** @internal The fields as one flat list of names and values; a copy, which the caller may extend. */
  toFlatArray(): string[] {
    return this.#list.slice()
  }

  /** @internal The fields have been sent: a change would be lost, so it throws from now on. */
  leave(): void {
    this.#haveLeft = true
  }

  #assertHere(name: string): void {
    if (!this.#haveLeft) return
    throw new UsageError('ERR_RESPONSE_PREPARED', `Cannot change header "${name}": the headers have left`)
  }

  #indexOf(lower: string): number {
    for (let i = 0; i < this.#list.length; i += 2) if (this.#list[i] === lower) return i
    return -1
  }

  #removeFrom(start: number, lower: string): void {
    for (let i = this.#list.length - 2; i >= start; i -= 2) {
      if (this.#list[i] === lower) this.#list.splice(i, 2)
    }
  }
}

function validName(name: string): string {
  validateHeaderName(name)
  return name.toLowerCase()
}

function entriesOf(init: HeadersInit): Iterable<readonly [string, string]> {
  return Symbol.iterator in init ? init : Object.entries(init)
}
