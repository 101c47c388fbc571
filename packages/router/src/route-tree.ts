import { toStaticPath, toTreePath } from './path-pattern.ts'
import type { ParamPart, PathVariant } from './path-pattern.ts'
import type { Route, RouteMatch } from './route.ts'
import { hasStandIn, isPlainTreeText, toPathForm, toTreeText, toValue } from './tree-text.ts'

/** What a tree needs of a radix tree. */
export interface RadixTree<Leaf> {
  add(path: string, leaf: Leaf): void
  find(path: string): RadixMatch<Leaf> | null
}

/** The leaf of the most specific path, and the values by name. */
export interface RadixMatch<Leaf> {
  readonly store: Leaf
  readonly params: Readonly<Record<string, string | undefined>>
}

/** A path that leads to a route. */
export interface Placement<Value> {
  readonly variant: PathVariant
  readonly route: Route<Value>
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(
  Object.create(null) as Record<string, string>,
)

/** The routes that answer one method of one host. */
export class RouteTree<Value> {
  readonly #createTree: () => RadixTree<Route<Value>>
  readonly #placements: readonly Placement<Value>[]
  /** A path without params is more specific than any other: one look-up in a map, and nothing to allocate. */
  readonly #static = new Map<string, RouteMatch<Value>>()
  readonly #tree: RadixTree<Route<Value>>
  #strictTree: RadixTree<Route<Value>> | undefined

  constructor(placements: readonly Placement<Value>[], createTree: () => RadixTree<Route<Value>>) {
    this.#createTree = createTree
    this.#placements = inTreeOrder(placements)
    for (const { variant, route } of placements) {
      const path = toStaticPath(variant)
      if (path !== undefined) this.#static.set(path, Object.freeze({ route, params: NO_PARAMS }))
    }
    this.#tree = this.#fill(({ name, source }) => `:${name}${source === undefined ? '' : `(${source})`}`)
  }

  /** @param path in the path form */
  match(path: string): RouteMatch<Value> | undefined {
    const found = this.#static.get(path)
    if (found !== undefined) return found
    if (path.charCodeAt(0) !== 0x2f /* / */ || !isPlainTreeText(path)) return this.#matchStrictly(path)

    const match = this.#tree.find(path)
    if (match === null) return undefined
    // A copy, because find-my-way's object has a prototype: 25 ns, and an empty value is seen on the way.
    const params = Object.create(null) as Record<string, string>
    for (const name in match.params) {
      const value = match.params[name]!
      if (value === '' && name !== '*') return this.#matchStrictly(path)
      params[name] = value
    }
    return { route: match.store, params }
  }

  /**
   * For the rare path that the tree would misread. Params take part as regexes here, which the tree does not let match
   * the empty text, and slower for it.
   */
  #matchStrictly(path: string): RouteMatch<Value> | undefined {
    if (path.charCodeAt(0) !== 0x2f /* / */ || hasStandIn(path)) return undefined
    this.#strictTree ??= this.#fill(({ name, source }) => `:${name}(${source ?? '[^]+'})`)
    const match = this.#strictTree.find(toTreeText(path))
    if (match === null) return undefined
    const params = Object.create(null) as Record<string, string>
    for (const [name, value] of Object.entries(match.params)) {
      params[name] = name === '*' ? toPathForm(value!) : toValue(value!)
    }
    return { route: match.store, params }
  }

  #fill(paramSource: (part: ParamPart) => string): RadixTree<Route<Value>> {
    const tree = this.#createTree()
    for (const { variant, route } of this.#placements) {
      if (toStaticPath(variant) === undefined) tree.add(toTreePath(variant.segments, paramSource), route)
    }
    return tree
  }
}

/**
 * Segment by segment the more specific first, then the earlier registered: regexes at one place are tried in the order in
 * which they are added, and in the strict tree every param is one.
 */
function inTreeOrder<Value>(placements: readonly Placement<Value>[]): Placement<Value>[] {
  const places = new Map<string, number>()
  const sortable = placements.map(placement => ({ placement, key: sortKeyOf(placement.variant, places) }))
  return sortable.sort((a, b) => compareKeys(a.key, b.key)).map(({ placement }) => placement)
}

/** The rank of each segment, and when a path first led there. */
function sortKeyOf({ segments }: PathVariant, places: Map<string, number>): number[] {
  return segments.flatMap(({ rank }, index) => {
    const place = toTreePath(segments.slice(0, index + 1), ({ source }) => `:${source ?? ''}`)
    if (!places.has(place)) places.set(place, places.size)
    return [rank, places.get(place)!]
  })
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, at) => value !== b[at])
  return index === -1 ? -1 : a[index]! - (b[index] ?? -1)
}
