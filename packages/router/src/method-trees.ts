import { METHODS } from 'node:http'

import type { PathPattern } from './path-pattern.ts'
import type { Route } from './route.ts'
import { RouteTree } from './route-tree.ts'
import type { Placement, RadixTree } from './route-tree.ts'

/** Stands for every method. */
export const ANY_METHOD = '*'

/** A route with its path read. */
export interface RouteEntry<Value> {
  readonly route: Route<Value>
  readonly pattern: PathPattern
}

/** How directly a route answers a method, where several have the same pattern; the lower wins. */
const Directness = { explicit: 0, headOfGet: 1, any: 2 } as const

/**
 * The routes of one host, in a tree for each method that a route names and one for all other methods. Routes for any
 * method are in every tree, so that in each the most specific path wins, whatever the methods. Trees are made when they
 * are first asked after a change.
 */
export class MethodTrees<Value> {
  /** The host as registered; `undefined` for the routes of no host. */
  readonly host: string | undefined
  readonly #createTree: () => RadixTree<Route<Value>>
  readonly #entries: RouteEntry<Value>[] = []
  readonly #taken = new Map<string, Route<Value>>()
  readonly #named = new Set<string>()
  readonly #trees = new Map<string, RouteTree<Value>>()

  constructor(createTree: () => RadixTree<Route<Value>>, host: string | undefined) {
    this.#createTree = createTree
    this.host = host
  }

  /** The route that one with these methods would be a duplicate of. */
  findDuplicate(methods: readonly string[], { variants }: PathPattern): Route<Value> | undefined {
    for (const method of methods) {
      for (const { key } of variants) {
        const route = this.#taken.get(`${method} ${key}`)
        if (route !== undefined) return route
      }
    }
    return undefined
  }

  add(entry: RouteEntry<Value>): void {
    const { route, pattern } = entry
    this.#entries.push(entry)
    this.#trees.clear()
    for (const method of route.methods) {
      for (const { key } of pattern.variants) this.#taken.set(`${method} ${key}`, route)
      if (method !== ANY_METHOD) this.#named.add(method)
    }
    if (route.methods.includes('GET') && route.head) this.#named.add('HEAD')
  }

  /** The tree that answers a method, be it known or not. */
  treeFor(method: string): RouteTree<Value> {
    return this.#trees.get(method) ?? this.#createTreeFor(this.#named.has(method) ? method : ANY_METHOD)
  }

  /** The methods that some route answers for a path, sorted. */
  methodsFor(path: string): string[] {
    if (this.treeFor(ANY_METHOD).match(path) !== undefined) return METHODS.toSorted()
    return [...this.#named].filter(method => this.treeFor(method).match(path) !== undefined).sort()
  }

  #createTreeFor(method: string): RouteTree<Value> {
    let tree = this.#trees.get(method)
    if (tree === undefined) {
      tree = new RouteTree(this.#placementsFor(method), this.#createTree)
      this.#trees.set(method, tree)
    }
    return tree
  }

  #placementsFor(method: string): Placement<Value>[] {
    const best = new Map<string, Placement<Value> & { directness: number }>()
    for (const { route, pattern } of this.#entries) {
      const directness = directnessOf(route, method)
      if (directness === undefined) continue
      for (const variant of pattern.variants) {
        const other = best.get(variant.key)
        if (other === undefined || directness < other.directness)
          best.set(variant.key, { variant, route, directness })
      }
    }
    return [...best.values()]
  }
}

function directnessOf(route: Route<unknown>, method: string): number | undefined {
  if (method !== ANY_METHOD && route.methods.includes(method)) return Directness.explicit
  if (method === 'HEAD' && route.head && route.methods.includes('GET')) return Directness.headOfGet
  return route.methods.includes(ANY_METHOD) ? Directness.any : undefined
}
