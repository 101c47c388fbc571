/**
 * What the radix tree reads is not quite the path. In the path form `%2F`, `%5C` and `%25` stand for characters that
 * are data; find-my-way would undo them, cut the path at `?` and `#`, and take `*` for a wildcard. Each of these
 * characters is therefore replaced by a noncharacter, one code unit for another, so that lengths and regexes hold.
 */

const HIDDEN = '#%*/?\\'
const FIRST = 0xfdd0 // U+FDD0 to U+FDEF are set aside for internal use (Unicode §23.7); none is ever text

const TO_HIDE_IN_PATH = /%(?:25|2F|5C)?|[#*?\\]/gi
const TO_HIDE_IN_VALUE = /[#%*/?\\]/g
const STAND_IN = /[\ufdd0-\ufdd5]/g
const UNPLAIN = /[#%*?\\\ufdd0-\ufdd5]/

/** Whether text is the same in the tree as in the path form. */
export function isPlainTreeText(path: string): boolean {
  return !UNPLAIN.test(path)
}

/** Whether text holds one of the noncharacters that stand for others, which no route matches. */
export function hasStandIn(text: string): boolean {
  return text.search(STAND_IN) !== -1
}

/** From the path form to what the tree reads. */
export function toTreeText(path: string): string {
  return path.replace(TO_HIDE_IN_PATH, found => {
    return hide(found.length === 1 ? found : String.fromCharCode(Number.parseInt(found.slice(1), 16)))
  })
}

/** From a decoded value to what the tree reads: a slash in it is data. */
export function hideInValue(value: string): string {
  return value.replace(TO_HIDE_IN_VALUE, hide)
}

/** From what the tree gave out to the decoded value. */
export function toValue(treeText: string): string {
  return treeText.replace(STAND_IN, reveal)
}

/** From what the tree gave out to the path form. */
export function toPathForm(treeText: string): string {
  return treeText.replace(STAND_IN, standIn => {
    const char = reveal(standIn)
    return char === '/' || char === '\\' || char === '%' ? encodeURIComponent(char) : char
  })
}

/** The stand-ins of those hidden characters that lie in a range of code units, and the range around the stand-ins. */
export function toTreeRanges(low: number, high: number): [number, number][] {
  const last = FIRST + HIDDEN.length - 1
  const around: [number, number][] = [
    [low, Math.min(high, FIRST - 1)],
    [Math.max(low, last + 1), high],
  ]
  const hidden = [...HIDDEN].map(char => char.charCodeAt(0)).filter(code => low <= code && code <= high)
  const standIns = hidden.map(code => hide(String.fromCharCode(code)).charCodeAt(0))
  return [
    ...around.filter(([from, to]) => from <= to),
    ...standIns.map((code): [number, number] => [code, code]),
  ]
}

function hide(char: string): string {
  return String.fromCharCode(FIRST + HIDDEN.indexOf(char))
}

function reveal(standIn: string): string {
  return HIDDEN.charAt(standIn.charCodeAt(0) - FIRST)
}
