import { decodeSegments } from './decode-path.ts'
import type { UrlParams } from './path-params.ts'
import { parsePath, SegmentRank } from './path-pattern.ts'
import type { ParamPart, PathPattern, Segment } from './path-pattern.ts'
import { hasStandIn, hideInValue, toTreeText } from './tree-text.ts'

/** The longest value of a param unless a router is told otherwise, in UTF-16 code units of the decoded text. */
export const DEFAULT_MAX_PARAM_LENGTH = 1024

/** What one name in a query can be given as; a list repeats the name. */
export type QueryValue = string | number | bigint | boolean

/** What a URL is built from besides its params. */
export interface UrlOptions {
  /** Appended in its order after `?`, encoded as forms are; `undefined` is skipped, a list repeats its name. */
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>> | undefined
}

/** Params and options of `url()`: the params may be left out where none is required. */
export type UrlArguments<Path extends string> =
  Record<never, never> extends UrlParams<Path>
    ? [params?: UrlParams<Path> | undefined, options?: UrlOptions | undefined]
    : [params: UrlParams<Path>, options?: UrlOptions | undefined]

const LONE_SURROGATE = /\p{Surrogate}/u
const UNREADABLE_IN_WILDCARD = /\\|%(?!2F|5C|25)/
const HARMLESS_IN_STATIC_TEXT = /%(?:24|26|2B|2C|3A|3B|3D|40)/g

/**
 * Builds the URL of a path, without a router: path-absolute, never beginning with `//`, every value encoded so that the
 * path matches it and gives the same params back (P13).
 *
 * @throws TypeError for a param that is missing, unknown, or has a value that would not come back: an empty one, one
 *   that makes a segment `.` or `..`, one its regex refuses (any of more than 64 characters), one that swallows the text around it; for a broken
 *   path
 * @throws RangeError for a value of more than 1024 characters, a wildcard excepted, or a number that is not finite
 *
 * @example
 * ```ts
 * import { urlFor } from '@allium/router'
 *
 * urlFor('/users/:id', { id: 42 }, { query: { page: 2 } }) // '/users/42?page=2'
 * ```
 */
export function urlFor<const Path extends string>(path: Path, ...args: UrlArguments<Path>): string {
  const [params, options] = args
  return pathFor(parsePath(path), params ?? {}, DEFAULT_MAX_PARAM_LENGTH) + queryFor(options)
}

/** The path part of a URL. Throws as {@link urlFor} does. */
export function pathFor(
  pattern: PathPattern,
  params: Readonly<Record<string, unknown>>,
  maxParamLength: number,
): string {
  const builder = new PathBuilder(pattern, params, maxParamLength)
  return builder.build()
}

/** The query of a URL with its `?`, or the empty text. */
export function queryFor(options: UrlOptions | undefined): string {
  const query = new URLSearchParams()
  for (const [name, given] of Object.entries(options?.query ?? {})) {
    const values = Array.isArray(given) ? (given as readonly QueryValue[]) : [given as QueryValue | undefined]
    for (const value of values) if (value !== undefined) query.append(name, String(value))
  }
  return query.size === 0 ? '' : `?${query.toString()}`
}

class PathBuilder {
  readonly #pattern: PathPattern
  readonly #params: Readonly<Record<string, unknown>>
  readonly #maxParamLength: number

  constructor(pattern: PathPattern, params: Readonly<Record<string, unknown>>, maxParamLength: number) {
    this.#pattern = pattern
    this.#params = params
    this.#maxParamLength = maxParamLength
  }

  build(): string {
    const { paramNames, optionalName, segments, variants } = this.#pattern
    const given = Object.keys(this.#params).filter(name => this.#params[name] !== undefined)
    const unknown = given.filter(name => !paramNames.includes(name))
    const missing = paramNames.filter(name => !given.includes(name) && name !== optionalName)
    if (unknown.length > 0) this.#fail(`it has no param ${quote(unknown)}`)
    if (missing.length > 0) this.#fail(`param ${quote(missing)} is missing`)

    const isShort = optionalName !== undefined && !given.includes(optionalName)
    return (isShort ? variants[1]!.segments : segments).map(segment => `/${this.#segment(segment)}`).join('')
  }

  #segment(segment: Segment): string {
    if (segment.rank === SegmentRank.wildcard) return this.#wildcard()
    const text = segment.parts
      .map(part => (part.kind === 'static' ? encodeStatic(part.text) : encodeURIComponent(this.#value(part))))
      .join('')
    this.#assertNoDots(text)
    if (segment.regex !== undefined) this.#assertMatches(segment, segment.regex)
    return text
  }

  #value({ name }: ParamPart): string {
    const value = this.#toText(name, this.#params[name])
    if (value.length > this.#maxParamLength) {
      throw new RangeError(
        `${this.#attempt()}: param "${name}" is longer than ${this.#maxParamLength} characters`,
      )
    }
    return value
  }

  #toText(name: string, value: unknown): string {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new RangeError(`${this.#attempt()}: param "${name}" is ${value}`)
    }
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
      return this.#fail(`param "${name}" is neither text nor a number`)
    }
    const text = String(value)
    if (text === '') this.#fail(`param "${name}" is empty, and no path matches an empty param`)
    if (text.includes('\0') || LONE_SURROGATE.test(text) || hasStandIn(text)) {
      this.#fail(`param "${name}" holds NUL, half of a surrogate pair, or a noncharacter (U+FDD0 to U+FDD5)`)
    }
    return text
  }

  /** A value may hold the text that separates it from the next, and would then come back as another one. */
  #assertMatches({ parts }: Segment, regex: RegExp): void {
    const texts = parts.map(part => {
      return part.kind === 'static' ? toTreeText(part.text) : hideInValue(String(this.#params[part.name]))
    })
    const found = regex.exec(texts.join(''))
    const values = texts.filter((_, index) => parts[index]!.kind === 'param')
    const names = parts.flatMap(part => (part.kind === 'param' ? part.name : []))
    if (found === null || values.some((value, index) => found[index + 1] !== value)) {
      this.#fail(`param ${quote(names)} would not come back from it as given`)
    }
  }

  #wildcard(): string {
    const value = this.#params['*']
    const segments = Array.isArray(value)
      ? value.map(segment => this.#toText('*', segment))
      : this.#splitWildcard(value)
    if (segments.length === 0) this.#fail('param "*" is empty')
    for (const segment of segments) this.#assertNoDots(segment)
    return segments.map(encodeURIComponent).join('/')
  }

  #splitWildcard(value: unknown): string[] {
    const text = this.#toText('*', value)
    if (UNREADABLE_IN_WILDCARD.test(text)) {
      this.#fail('param "*" holds "\\" or "%" as itself; write "%5C" or "%25", or give a list of segments')
    }
    if (text.split('/').includes('')) this.#fail('param "*" holds an empty segment')
    return decodeSegments(text)
  }

  #assertNoDots(segment: string): void {
    if (segment === '.' || segment === '..') {
      this.#fail(`clients resolve the segment "${segment}" before they send it`)
    }
  }

  #attempt(): string {
    return `Cannot build a URL of "${this.#pattern.path}"`
  }

  #fail(reason: string): never {
    throw new TypeError(`${this.#attempt()}: ${reason}`)
  }
}

function encodeStatic(text: string): string {
  const encoded = decodeSegments(text).map(encodeURIComponent).join('')
  return encoded.replace(HARMLESS_IN_STATIC_TEXT, decodeURIComponent)
}

function quote(names: readonly string[]): string {
  return names.map(name => `"${name}"`).join(', ')
}
