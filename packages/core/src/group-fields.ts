/** Fields by name: one value as it is, several of a name as a list. An object without a prototype. */
export type GroupedFields<Value> = Readonly<Record<string, Value | readonly Value[]>>

/** Groups fields by name. Names mean nothing: `a[b]` and `__proto__` are names like any other (P24). */
export function groupFields<Value>(fields: Iterable<readonly [string, Value]>): GroupedFields<Value> {
  const lists = new Map<string, Value[]>()
  for (const [name, value] of fields) {
    const list = lists.get(name)
    if (list) list.push(value)
    else lists.set(name, [value])
  }
  const grouped = Object.create(null) as Record<string, Value | readonly Value[]>
  for (const [name, list] of lists) grouped[name] = list.length === 1 ? list[0]! : list
  return grouped
}
