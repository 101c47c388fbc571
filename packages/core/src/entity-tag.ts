/** What tells two representations of a resource apart (RFC 9110 §8.8.3). */
export interface EntityTag {
  /** What is between the quotes. */
  readonly value: string
  /** Whether equal tags promise the same meaning only, not the same bytes. */
  readonly isWeak: boolean
}

const CHARACTERS = '[\\x21\\x23-\\x7e\\x80-\\xff]*'
const TAG = new RegExp(`^(W/)?"(${CHARACTERS})"$`)
// One element of a list, which may be empty, with the comma behind it.
const ELEMENT = new RegExp(`[ \\t]*(?:(W/)?"(${CHARACTERS})"[ \\t]*)?(,|$)`, 'y')

/** Reads an entity tag, `"…"` or `W/"…"`; `undefined` for anything else. */
export function parseEntityTag(text: string): EntityTag | undefined {
  const match = TAG.exec(text)
  return match ? { value: match[2]!, isWeak: match[1] !== undefined } : undefined
}

/**
 * Reads the list of an `If-Match` or `If-None-Match` field (RFC 9110 §13.1.1).
 *
 * @returns `'*'` for any tag; no tag at all when something in the list is not one
 */
export function parseEntityTags(field: string): readonly EntityTag[] | '*' {
  if (field.trim() === '*') return '*'
  const tags: EntityTag[] = []
  ELEMENT.lastIndex = 0
  for (;;) {
    const match = ELEMENT.exec(field)
    if (!match) return []
    const [, weak, value, end] = match
    if (value !== undefined) tags.push({ value, isWeak: weak !== undefined })
    if (end === '') {
      ELEMENT.lastIndex = 0
      return tags
    }
  }
}

/** Whether two tags stand for the same bytes: both are strong and equal (RFC 9110 §8.8.3.2). */
export function matchesStrongly(one: EntityTag, other: EntityTag): boolean {
  return !one.isWeak && !other.isWeak && one.value === other.value
}

/** Whether two tags stand for the same meaning: they are equal, weak or not (RFC 9110 §8.8.3.2). */
export function matchesWeakly(one: EntityTag, other: EntityTag): boolean {
  return one.value === other.value
}
