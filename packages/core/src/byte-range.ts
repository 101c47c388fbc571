/** Some bytes of a representation, first and last one included. */
export interface ByteRange {
  /** Position of the first byte. */
  readonly first: number
  /** Position of the last byte. */
  readonly last: number
}

/** With more ranges the whole is sent: nobody who reads a document needs them, and each costs a read (P28). */
const MAX_RANGES = 16
const UNIT = /^[ \t]*bytes=/i
// One element of a list, which may be empty, with the comma behind it.
const ELEMENT = /[ \t]*(?:([0-9]*)-([0-9]*)[ \t]*)?(,|$)/y

/**
 * Reads a `Range` field against a representation of so many bytes (RFC 9110 §14.1.2, §14.2).
 *
 * @returns the ranges that can be satisfied, in the order in which they were asked for; `'unsatisfiable'` when none
 *   can; `undefined` when the field is to be ignored: another unit than bytes, a malformed field, more than 16 ranges,
 *   ranges that overlap
 */
export function parseByteRanges(
  field: string,
  size: number,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const specs = parseSpecs(field)
  if (!specs) return undefined
  const isWhole = size === 0 && specs.some(([first, last]) => first === undefined && last! > 0)
  if (isWhole) return undefined // the last bytes of nothing: satisfiable, and no Content-Range could tell of them
  const ranges = specs.map(spec => toRange(spec, size)).filter(range => range !== undefined)
  if (ranges.length === 0) return 'unsatisfiable'
  return overlap(ranges) ? undefined : ranges
}

/** First and last position, or only one of them: from there on, or so many from the end. */
type Spec = readonly [first: number | undefined, last: number | undefined]

function parseSpecs(field: string): Spec[] | undefined {
  const unit = UNIT.exec(field)
  if (!unit) return undefined
  const specs: Spec[] = []
  ELEMENT.lastIndex = unit[0].length
  for (let end: string | undefined; end !== '';) {
    const match = ELEMENT.exec(field)
    if (!match) return undefined
    if (match[1] !== undefined) {
      const spec: Spec = [toPosition(match[1]), toPosition(match[2]!)]
      if (!isValid(spec) || specs.length === MAX_RANGES) return undefined
      specs.push(spec)
    }
    end = match[3]
  }
  return specs.length === 0 ? undefined : specs
}

function toPosition(digits: string): number | undefined {
  return digits === '' ? undefined : Number(digits)
}

function isValid([first, last]: Spec): boolean {
  if (first === undefined) return last !== undefined
  return last === undefined || last >= first
}

function toRange([first, last]: Spec, size: number): ByteRange | undefined {
  const range =
    first === undefined
      ? { first: Math.max(size - last!, 0), last: size - 1 }
      : { first, last: Math.min(last ?? size - 1, size - 1) }
  return range.first < size ? range : undefined
}

function overlap(ranges: readonly ByteRange[]): boolean {
  const sorted = [...ranges].sort((a, b) => a.first - b.first)
  return sorted.some((range, index) => index > 0 && range.first <= sorted[index - 1]!.last)
}
