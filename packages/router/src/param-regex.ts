import { toTreeRanges } from './tree-text.ts'

/** The longest text that the regex of a param matches, in UTF-16 code units. */
export const MAX_REGEX_VALUE_LENGTH = 64

/** How many ways of matching a regex may have to go through, at worst, to find that it does not match. */
export const MAX_WAYS: number = MAX_REGEX_VALUE_LENGTH ** 3

/** The regex of a param, found harmless. */
export interface ParamRegex {
  /** Upper bound of the ways in which a backtracking engine can try to match {@link MAX_REGEX_VALUE_LENGTH} characters. */
  readonly ways: number
  /** The regex as the tree reads it: without capture groups, every repetition bounded, for a param with a segment of its own. */
  readonly aloneSource: string
  /** The same for a segment that holds more than this param: the repetitions share the length. */
  readonly sharedSource: string
}

/** Throws, given what is wrong. */
export type Fail = (reason: string) => never

interface Piece {
  readonly minLength: number
  /** Longest match of everything that is bounded by itself. */
  readonly boundedLength: number
  /** Characters per turn, summed over all unbounded repetitions; 0 when there is none. */
  readonly unboundedLength: number
  readonly ways: number
  /** Whether it may be repeated: no alternation in it, and no quantifier but a fixed count. */
  readonly simple: boolean
  /** @param turns how often an unbounded repetition may go on beyond its minimum */
  readonly source: (turns: number) => string
}

interface Quantifier {
  readonly min: number
  readonly max: number
  readonly lazy: string
}

const CLASS_ESCAPES = 'dDwWsS'
const CONTROL_ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }
const LETTER_OR_DIGIT = /[A-Za-z0-9]/

/**
 * Reads the regex of a param in the subset whose cost is known: literals, classes, `.`, groups, alternation, and
 * quantifiers that are neither nested nor put on an alternation. Fixed counts may be nested, and `?` be put on anything.
 *
 * @param source what stands between the parentheses after the param's name
 * @param fail throws, given what is wrong
 */
export function parseParamRegex(source: string, fail: Fail): ParamRegex {
  const piece = new RegexParser(source.replace(/^\^/, '').replace(/(?<!\\)\$$/, ''), fail).parse()
  const { minLength, boundedLength, unboundedLength, ways } = piece
  if (minLength === 0) fail('matches the empty text, and a param is never empty')
  if (ways > MAX_WAYS)
    fail('holds too many repetitions: the limit is three of "+" or "*", or what costs as much')
  if (boundedLength > MAX_REGEX_VALUE_LENGTH) {
    fail(`can match more than ${MAX_REGEX_VALUE_LENGTH} characters without any "+" or "*"`)
  }

  const share = Math.floor((MAX_REGEX_VALUE_LENGTH - boundedLength) / (unboundedLength || 1))
  return {
    ways,
    aloneSource: `(?=[^]{1,${MAX_REGEX_VALUE_LENGTH}}$)(?:${piece.source(MAX_REGEX_VALUE_LENGTH)})`,
    sharedSource: `(?:${piece.source(share)})`,
  }
}

class RegexParser {
  readonly #source: string
  readonly #fail: Fail
  #index = 0

  constructor(source: string, fail: Fail) {
    this.#source = source
    this.#fail = fail
  }

  parse(): Piece {
    const piece = this.#alternation()
    if (this.#index < this.#source.length) this.#fail('has a ")" too many')
    return piece
  }

  #alternation(): Piece {
    const branches = [this.#sequence()]
    while (this.#take('|')) branches.push(this.#sequence())
    return branches.length === 1 ? branches[0]! : alternate(branches)
  }

  #sequence(): Piece {
    const pieces: Piece[] = []
    while (this.#index < this.#source.length && !'|)'.includes(this.#peek())) pieces.push(this.#term())
    return join(pieces)
  }

  #term(): Piece {
    const atom = this.#atom()
    const quantifier = this.#quantifier()
    if (quantifier === undefined) return atom
    const { max } = quantifier
    if (max > 1 && !atom.simple)
      this.#fail('repeats a group that itself holds a quantifier or an alternation')
    if (max !== Infinity && max > MAX_REGEX_VALUE_LENGTH) {
      this.#fail(`repeats more than ${MAX_REGEX_VALUE_LENGTH} times`)
    }
    return repeat(atom, quantifier)
  }

  #atom(): Piece {
    const char = this.#next()
    if (char === '(') return this.#group()
    if (char === '[') return literal(this.#class())
    if (char === '.') return literal('.')
    if (char === '\\') return literal(this.#escape())
    if ('*+?{'.includes(char)) this.#fail(`has a "${char}" with nothing before it to repeat`)
    if ('^$'.includes(char)) this.#fail(`has a "${char}" inside: it always matches the whole value`)
    return literal(`[${toClass([codeOf(char), codeOf(char)])}]`)
  }

  #group(): Piece {
    if (this.#take('?')) {
      if (!this.#take(':')) this.#fail('holds a look-around, a named group or a flag: only "(?:…)" is known')
    }
    const piece = this.#alternation()
    if (!this.#take(')')) this.#fail('has a "(" that is not closed')
    return { ...piece, source: turns => `(?:${piece.source(turns)})` }
  }

  #class(): string {
    const negation = this.#take('^') ? '^' : ''
    let content = ''
    while (!this.#take(']')) content += this.#classItem()
    if (content === '') this.#fail('holds an empty class')
    return `[${negation}${content}]`
  }

  #classItem(): string {
    const low = this.#classAtom()
    if (typeof low === 'string') return low
    const isRange = this.#peek() === '-' && this.#source[this.#index + 1] !== ']'
    if (!isRange) return toClass([low, low])

    this.#index++
    const high = this.#classAtom()
    if (typeof high === 'string' || high < low) this.#fail('holds a class with its range out of order')
    return toClass([low, Number(high)])
  }

  /** A code unit, or the source of an escape like `\d`. */
  #classAtom(): number | string {
    if (this.#index >= this.#source.length) this.#fail('has a "[" that is not closed')
    const char = this.#next()
    if (char !== '\\') return codeOf(char)
    const escaped = this.#next()
    return CLASS_ESCAPES.includes(escaped) ? `\\${escaped}` : this.#escapedCode(escaped)
  }

  #escape(): string {
    const escaped = this.#next()
    if (CLASS_ESCAPES.includes(escaped)) return `\\${escaped}`
    const code = this.#escapedCode(escaped)
    return `[${toClass([code, code])}]`
  }

  #escapedCode(escaped: string): number {
    if (!LETTER_OR_DIGIT.test(escaped)) return codeOf(escaped)
    if (Object.hasOwn(CONTROL_ESCAPES, escaped)) return CONTROL_ESCAPES[escaped]!
    if (/[1-9k]/.test(escaped)) this.#fail('holds a back-reference')
    const hex = { x: /^[0-9A-Fa-f]{2}/, u: /^[0-9A-Fa-f]{4}/ }[escaped]?.exec(this.#source.slice(this.#index))
    if (hex == null) return this.#fail(`holds the escape "\\${escaped}", which is not known here`)
    this.#index += hex[0].length
    return Number.parseInt(hex[0], 16)
  }

  #quantifier(): Quantifier | undefined {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.#source.slice(this.#index))
    if (found === null) return undefined
    this.#index += found[0].length
    const [text, from, comma, to] = found
    const lazy = this.#take('?') ? '?' : ''
    if (from === undefined) return { min: text === '+' ? 1 : 0, max: text === '?' ? 1 : Infinity, lazy }
    const max = comma === '' ? Number(from) : to === '' ? Infinity : Number(to)
    if (Number(from) > max) this.#fail(`repeats "${text}": the numbers are out of order`)
    return { min: Number(from), max, lazy }
  }

  #peek(): string {
    return this.#source.charAt(this.#index)
  }

  #next(): string {
    return this.#source.charAt(this.#index++)
  }

  #take(char: string): boolean {
    const found = this.#peek() === char
    if (found) this.#index++
    return found
  }
}

function literal(source: string): Piece {
  return { minLength: 1, boundedLength: 1, unboundedLength: 0, ways: 1, simple: true, source: () => source }
}

function join(pieces: readonly Piece[]): Piece {
  const sum = (lengthOf: (piece: Piece) => number): number =>
    pieces.reduce((total, piece) => total + lengthOf(piece), 0)
  return {
    minLength: sum(piece => piece.minLength),
    boundedLength: sum(piece => piece.boundedLength),
    unboundedLength: sum(piece => piece.unboundedLength),
    ways: pieces.reduce((product, piece) => product * piece.ways, 1),
    simple: pieces.every(piece => piece.simple),
    source: turns => pieces.map(piece => piece.source(turns)).join(''),
  }
}

function alternate(branches: readonly Piece[]): Piece {
  return {
    minLength: Math.min(...branches.map(branch => branch.minLength)),
    boundedLength: Math.max(...branches.map(branch => branch.boundedLength)),
    unboundedLength: Math.max(...branches.map(branch => branch.unboundedLength)),
    ways: branches.reduce((total, branch) => total + branch.ways, 0),
    simple: false,
    source: turns => branches.map(branch => branch.source(turns)).join('|'),
  }
}

function repeat(atom: Piece, { min, max, lazy }: Quantifier): Piece {
  const unbounded = max === Infinity
  return {
    minLength: atom.minLength * min,
    boundedLength: atom.boundedLength * (unbounded ? min : max),
    unboundedLength: unbounded ? atom.boundedLength : atom.unboundedLength,
    ways: waysOf(atom, min, max),
    simple: atom.simple && min === max, // a fixed count leaves nothing to try
    source: turns => `(?:${atom.source(turns)}){${min},${unbounded ? min + turns : max}}${lazy}`,
  }
}

function waysOf(atom: Piece, min: number, max: number): number {
  if (max === Infinity) return MAX_REGEX_VALUE_LENGTH
  return max === 1 ? atom.ways + 1 - min : max - min + 1
}

function toClass([low, high]: readonly [number, number]): string {
  return toTreeRanges(low, high)
    .map(([from, to]) => (from === to ? hex(from) : `${hex(from)}-${hex(to)}`))
    .join('')
}

function hex(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`
}

function codeOf(char: string): number {
  return char.charCodeAt(0)
}
