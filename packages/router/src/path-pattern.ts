import { decodePath } from './decode-path.ts'
import { MAX_WAYS } from './param-regex.ts'
import type { Fail } from './param-regex.ts'
import { isWildcard, parseSegments } from './path-syntax.ts'
import type { RawParam, RawSegment, StaticPart } from './path-syntax.ts'
import { hasStandIn, toTreeText } from './tree-text.ts'

/** One piece of a segment: text in the path form, or a param. */
export type SegmentPart = StaticPart | ParamPart

export interface ParamPart {
  readonly kind: 'param'
  readonly name: string
  /** What the tree matches the param with; `undefined` for a param that is a whole segment without a regex. */
  readonly source: string | undefined
}

/** How specific a segment is: the lower rank wins. */
export const SegmentRank = { static: 0, regex: 1, param: 2, wildcard: 3 } as const
export type SegmentRank = (typeof SegmentRank)[keyof typeof SegmentRank]

export interface Segment {
  readonly rank: SegmentRank
  readonly parts: readonly SegmentPart[]
  /** Over tree text, a group for each param; only for rank `regex`. */
  readonly regex: RegExp | undefined
}

/** A path as registered, read once. */
export interface PathPattern {
  readonly path: string
  /** Empty for the path ''. */
  readonly segments: readonly Segment[]
  /** In the order of the path; `*` for the wildcard. */
  readonly paramNames: readonly string[]
  /** The name of the last param when it may be left out. */
  readonly optionalName: string | undefined
  /** What the tree holds: the path, and the path without its optional param. */
  readonly variants: readonly PathVariant[]
}

/** A path without optional parts. */
export interface PathVariant {
  readonly segments: readonly Segment[]
  /** Equal for two paths that match the same, whatever their params are called. */
  readonly key: string
}

const WILDCARD: Segment = {
  rank: SegmentRank.wildcard,
  parts: [{ kind: 'param', name: '*', source: undefined }],
  regex: undefined,
}
const EMPTY: Segment = { rank: SegmentRank.static, parts: [], regex: undefined }
const LONE_SURROGATE = /\p{Surrogate}/u
/** A first param without a regex can end at any of the places where what follows it begins. */
const WAYS_OF_FREE_PARAM = 1024

/**
 * Reads a path in find-my-way's syntax. Its static text may be written decoded or percent-encoded.
 *
 * @throws TypeError when the path is broken, saying where
 */
export function parsePath(path: string): PathPattern {
  const fail: Fail = reason => {
    throw new TypeError(`Cannot use the path "${path}": ${reason}`)
  }
  if (typeof path !== 'string') fail('it is not a string')
  if (path !== '' && !path.startsWith('/')) fail('it does not start with "/"')
  if (LONE_SURROGATE.test(path)) fail('it holds half of a surrogate pair')

  const raw = path === '' ? [] : parseSegments(path, fail)
  const segments = raw.map(segment => toSegment(segment, fail))
  const paramNames = segments.flatMap(({ parts }) =>
    parts.flatMap(part => (part.kind === 'param' ? part.name : [])),
  )
  const twice = paramNames.find((name, index) => paramNames.indexOf(name) !== index)
  if (twice !== undefined) fail(`the param "${twice}" is there twice`)

  const optionalName = raw.at(-1)?.optional ? paramNames.at(-1) : undefined
  return {
    path,
    segments,
    paramNames,
    optionalName,
    variants: variantsOf(segments, optionalName !== undefined),
  }
}

/** The path as the tree reads it. */
export function toTreePath(segments: readonly Segment[], paramSource: (part: ParamPart) => string): string {
  const texts = segments.map(segment => {
    if (segment.rank === SegmentRank.wildcard) return '*'
    return segment.parts
      .map(part => (part.kind === 'static' ? toTreeText(part.text).replaceAll(':', '::') : paramSource(part)))
      .join('')
  })
  return `/${texts.join('/')}`
}

/** The text of a path that has no params, in the path form; `undefined` for any other. */
export function toStaticPath({ segments }: PathVariant): string | undefined {
  if (segments.some(({ rank }) => rank !== SegmentRank.static)) return undefined
  return segments.map(({ parts }) => `/${parts.map(part => (part as StaticPart).text).join('')}`).join('')
}

function toSegment({ parts }: RawSegment, fail: Fail): Segment {
  if (isWildcard(parts)) return WILDCARD
  const decoded = parts.map(part => (part.kind === 'static' ? decodeStatic(part, fail) : part))
  const [first] = decoded
  if (decoded.every(part => part.kind === 'static')) return staticSegment(decoded, fail)
  if (decoded.length === 1 && first?.kind === 'param' && first.regex === undefined) {
    return {
      rank: SegmentRank.param,
      parts: [{ kind: 'param', name: first.name, source: undefined }],
      regex: undefined,
    }
  }
  assertCheap(decoded, fail)
  return regexSegment(decoded)
}

function decodeStatic({ text }: StaticPart, fail: Fail): StaticPart {
  if (text.includes('*')) fail('"*" is only known as a whole segment; write "%2A" for the character')
  const decoded = decodePath(text)?.replaceAll('\\', '%5C')
  if (decoded === undefined) return fail('an escape in it does not decode; write "%25" for a percent sign')
  if (hasStandIn(decoded)) fail('it holds a noncharacter (U+FDD0 to U+FDD5)')
  return { kind: 'static', text: decoded }
}

function staticSegment(parts: readonly StaticPart[], fail: Fail): Segment {
  const text = parts.map(part => part.text).join('')
  if (text === '.' || text === '..') fail(`clients resolve the segment "${text}" before they send it`)
  return { rank: SegmentRank.static, parts: [{ kind: 'static', text }], regex: undefined }
}

/** In a segment with several params the costs multiply (P12). */
function assertCheap(parts: readonly (StaticPart | RawParam)[], fail: Fail): void {
  const params = parts.filter(part => part.kind === 'param')
  const free = params.some(({ regex }) => regex === undefined) ? WAYS_OF_FREE_PARAM : 1
  const ways = params.reduce((product, { regex }) => product * (regex?.ways ?? 1), free)
  if (ways > MAX_WAYS) fail(`the regexes of the params in one segment hold too many repetitions together`)
}

function regexSegment(parts: readonly (StaticPart | RawParam)[]): Segment {
  const finished: SegmentPart[] = []
  let free = true
  for (const part of parts) {
    if (part.kind === 'static') {
      finished.push(part)
      continue
    }
    const { name, regex } = part
    const own = parts.length === 1 ? regex?.aloneSource : regex?.sharedSource
    finished.push({ kind: 'param', name, source: own ?? freeSource(free, finished.at(-1)) })
    if (regex === undefined) free = false
  }
  return { rank: SegmentRank.regex, parts: finished, regex: toRegExp(finished) }
}

/** The first param without a regex takes what it can; a later one stops at the text before it, or matching would be slow. */
function freeSource(free: boolean, before: SegmentPart | undefined): string {
  if (free) return '[^]+?'
  return `(?:(?!${escapeRegex(toTreeText((before as StaticPart).text))})[^])+`
}

function toRegExp(parts: readonly SegmentPart[]): RegExp {
  const sources = parts.map(part =>
    part.kind === 'static' ? escapeRegex(toTreeText(part.text)) : `(${part.source})`,
  )
  return new RegExp(`^${sources.join('')}$`)
}

function escapeRegex(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function variantsOf(segments: readonly Segment[], optional: boolean): PathVariant[] {
  const whole = toVariant(segments)
  if (!optional) return [whole]
  const shorter = segments.length === 1 ? [EMPTY] : segments.slice(0, -1)
  return [whole, toVariant(shorter)]
}

function toVariant(segments: readonly Segment[]): PathVariant {
  const isEmpty = segments.length === 0
  return { segments, key: isEmpty ? '' : toTreePath(segments, ({ source }) => `:${source ?? ''}`) }
}
