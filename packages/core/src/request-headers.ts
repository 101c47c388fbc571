import type { IncomingHttpHeaders } from 'node:http'

/** Fields as Node has them: joined by name, and as they were sent. */
export interface RawFields {
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

/** Header fields of a request, or its trailer fields: read-only, names without regard to case. */
export class RequestHeaders {
  readonly #raw: RawFields

  /** @internal */
  constructor(raw: RawFields) {
    this.#raw = raw
  }

  /**
   * The value, `null` when there is none. Repeated fields are joined with `, `, except those of which HTTP allows
   * only one, such as `Content-Type` and `Authorization`: of these the first counts.
   */
  get(name: string): string | null {
    const fields = this.#raw.headers
    const lower = name.toLowerCase()
    // A client may send a field named "constructor" or "__proto__": only own properties are fields.
    if (!Object.hasOwn(fields, lower)) return null
    const value = fields[lower]! // own fields have values
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** Every value of the name as it was sent, in order. */
  getAll(name: string): string[] {
    const lower = name.toLowerCase()
    const list = this.#raw.rawHeaders
    const values: string[] = []
    for (let i = 0; i < list.length; i += 2) if (list[i]!.toLowerCase() === lower) values.push(list[i + 1]!)
    return values
  }

  /** Whether the name is present. */
  has(name: string): boolean {
    return Object.hasOwn(this.#raw.headers, name.toLowerCase())
  }

  /** Lower-case name and value of each field as sent, in order. */
  *[Symbol.iterator](): Generator<[string, string], undefined> {
    const list = this.#raw.rawHeaders
    for (let i = 0; i < list.length; i += 2) yield [list[i]!.toLowerCase(), list[i + 1]!]
  }
}
