import { parseParamRegex } from './param-regex.ts'
import type { Fail, ParamRegex } from './param-regex.ts'

const PARAM_NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/** Text of a path. */
export interface StaticPart {
  readonly kind: 'static'
  readonly text: string
}

/** A param as written. */
export interface RawParam {
  readonly kind: 'param'
  readonly name: string
  readonly regex: ParamRegex | undefined
}

/** A segment as written; none of its parts is decoded yet. */
export interface RawSegment {
  readonly parts: (StaticPart | RawParam)[]
  optional: boolean
}

/** Reads the segments of a path that starts with '/', in find-my-way's syntax. */
export function parseSegments(path: string, fail: Fail): RawSegment[] {
  return new PathParser(path, fail).parse()
}

/** Whether a segment is nothing but '*'. */
export function isWildcard(parts: readonly (StaticPart | RawParam)[]): boolean {
  const [only] = parts
  return parts.length === 1 && only?.kind === 'static' && only.text === '*'
}

class PathParser {
  readonly #path: string
  readonly #fail: Fail
  #index = 0

  constructor(path: string, fail: Fail) {
    this.#path = path
    this.#fail = fail
  }

  parse(): RawSegment[] {
    const segments: RawSegment[] = []
    while (this.#index < this.#path.length) segments.push(this.#segment())
    segments.slice(0, -1).forEach(segment => this.#assertInner(segment))
    return segments
  }

  #segment(): RawSegment {
    this.#index++ // the slash
    const segment: RawSegment = { parts: [], optional: false }
    while (this.#index < this.#path.length && this.#peek() !== '/') {
      if (segment.optional)
        this.#fail('only the last param can be optional, and only one that is a whole segment')
      const isParam = this.#peek() === ':' && this.#path[this.#index + 1] !== ':'
      if (isParam) this.#param(segment)
      else segment.parts.push({ kind: 'static', text: this.#static() })
    }
    if (segment.optional && segment.parts.length > 1)
      this.#fail('an optional param has to be a whole segment')
    return segment
  }

  #assertInner({ parts, optional }: RawSegment): void {
    if (optional) this.#fail('only the last param can be optional')
    if (isWildcard(parts)) this.#fail('"*" is only known as the last segment')
    if (parts.length === 0) this.#fail('it holds "//", an empty segment')
  }

  #static(): string {
    const start = this.#index
    while (this.#index < this.#path.length && this.#peek() !== '/') {
      if (this.#peek() === ':') {
        if (this.#path[this.#index + 1] !== ':') break
        this.#index++
      }
      this.#index++
    }
    return this.#path.slice(start, this.#index).replaceAll('::', ':')
  }

  #param(segment: RawSegment): void {
    const { parts } = segment
    this.#index++ // the colon
    const name = /^[^/\-.():?*]*/.exec(this.#path.slice(this.#index))![0]
    this.#index += name.length
    if (!PARAM_NAME.test(name))
      this.#fail(`":${name}" does not name a param: a name is like that of a variable`)
    if (parts.at(-1)?.kind === 'param')
      this.#fail(`nothing separates the param "${name}" from the one before it`)

    const regex =
      this.#peek() === '(' ? parseParamRegex(this.#regexSource(), this.#failRegex(name)) : undefined
    parts.push({ kind: 'param', name, regex })
    if (this.#peek() === '?') {
      segment.optional = true
      this.#index++
    }
  }

  #failRegex(name: string): Fail {
    return reason => this.#fail(`the regex of the param "${name}" ${reason}`)
  }

  /** Up to the parenthesis that closes the one here; those inside are counted unless a backslash is before them. */
  #regexSource(): string {
    const start = this.#index + 1
    for (let depth = 0; this.#index < this.#path.length; this.#index++) {
      const char = this.#peek()
      if (char === '\\') this.#index++
      else if (char === '(') depth++
      else if (char === ')' && --depth === 0) return this.#path.slice(start, this.#index++)
    }
    return this.#fail('the parentheses of a regex are not balanced')
  }

  #peek(): string {
    return this.#path.charAt(this.#index)
  }
}
