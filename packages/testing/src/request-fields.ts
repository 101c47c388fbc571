/** What one field of a query or a form can be given as; a list repeats the name, `undefined` is left out. */
export type FieldValue = string | number | bigint | boolean

/** Fields of a query or a form. */
export type FieldsInit =
  URLSearchParams | Readonly<Record<string, FieldValue | readonly FieldValue[] | undefined>>

/** Fields as forms and queries are encoded. */
export function toFields(init: FieldsInit): URLSearchParams {
  if (Symbol.iterator in init) return new URLSearchParams(init as Iterable<[string, string]>) // of any realm
  const fields = new URLSearchParams()
  for (const [name, given] of Object.entries(init)) {
    const values = Array.isArray(given) ? (given as readonly FieldValue[]) : [given as FieldValue | undefined]
    for (const value of values) if (value !== undefined) fields.append(name, String(value))
  }
  return fields
}
