import type { Scope } from './scope.ts'

/** Where a route that has a name is. */
export interface NamedRoute {
  /** All mount prefixes above it. */
  readonly prefix: string
  readonly path: string
}

/** Finds the route of this scope, of one mounted in it as `'its-name.route'`, or of one further out. */
export function findNamedRoute(scope: Scope, name: string): NamedRoute | undefined {
  return findInside(scope, name) ?? (scope.parent && findNamedRoute(scope.parent, name))
}

function findInside(scope: Scope, name: string): NamedRoute | undefined {
  const own = scope.routes.find(record => record.name === name)
  if (own) return { prefix: scope.fullPrefix, path: own.path }
  for (const child of scope.children) {
    const mount = `${child.app.name}.`
    const found = name.startsWith(mount) && findInside(child, name.slice(mount.length))
    if (found) return found
  }
  return undefined
}
