type State = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'more'

// Strings are recognised by their opening quote here and walked by hand: a pattern over a megabyte of escapes
// would exhaust the stack of the regular expression engine.
const SCALAR = String.raw`"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null`
const ALLOWED: Record<State, RegExp> = {
  value: new RegExp(String.raw`[[{]|${SCALAR}`, 'y'),
  'first value': new RegExp(String.raw`[[{\]]|${SCALAR}`, 'y'),
  key: /"/y,
  'first key': /["}]/y,
  colon: /:/y,
  more: /[,}\]]/y,
}
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/**
 * Where a text that `JSON.parse` refused stops being JSON. V8 tells the position for some errors only, and in
 * other words with each release. Linear in the length of the text.
 */
export function jsonErrorPosition(text: string): number {
  const open: string[] = []
  let state: State = 'value'
  for (let position = skipSpace(text, 0); ; position = skipSpace(text, position)) {
    const token = matchAt(ALLOWED[state], text, position)
    if (token === undefined) return position

    if (token === '"') {
      const end = walkString(text, position + 1)
      if (text[end] !== '"') return end
      state = state.endsWith('key') ? 'colon' : 'more'
      position = end + 1
      continue
    }
    if (token === '{' || token === '[') open.push(token === '{' ? '}' : ']')
    else if ((token === '}' || token === ']') && open.pop() !== token) return position
    else if (token === ',' && open.length === 0) return position
    state = stateAfter(token, open.at(-1))
    position += token.length
  }
}

function stateAfter(token: string, closer: string | undefined): State {
  switch (token) {
    case '{':
      return 'first key'
    case '[':
      return 'first value'
    case ',':
      return closer === '}' ? 'key' : 'value'
    case ':':
      return 'value'
    default:
      return 'more'
  }
}

/** The index of the closing quote, or of the first character that may not stand in a string. */
function walkString(text: string, start: number): number {
  let position = start
  while (position < text.length && text[position] !== '"' && text.charCodeAt(position) >= 0x20) {
    if (text[position] !== '\\') {
      position++
      continue
    }
    const escape = matchAt(ESCAPE, text, position)
    if (escape === undefined) return position
    position += escape.length
  }
  return position
}

function skipSpace(text: string, start: number): number {
  let position = start
  while (position < text.length && ' \t\n\r'.includes(text[position]!)) position++
  return position
}

function matchAt(pattern: RegExp, text: string, position: number): string | undefined {
  pattern.lastIndex = position
  return pattern.exec(text)?.[0]
}
