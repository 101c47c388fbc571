import type { RequestRoute } from '@allium/core'

const HEAD = ['METHOD', 'PATH', 'NAME']

/** One line for each route, in columns; nothing follows the last word of a line. */
export function formatRoutes(routes: readonly RequestRoute[]): string {
  const rows = [HEAD, ...sorted(routes).map(({ method, path, name }) => [method, path, name ?? ''])]
  const widths = HEAD.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows
    .map(
      row =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** The same for programs: one JSON array. */
export function formatRoutesAsJson(routes: readonly RequestRoute[]): string {
  const listed = sorted(routes).map(({ method, path, name }) => ({ method, path, name: name ?? null }))
  return `${JSON.stringify(listed, undefined, 2)}\n`
}

/** By path, so that what belongs together stands together. */
function sorted(routes: readonly RequestRoute[]): RequestRoute[] {
  return [...routes].sort((a, b) => compare(a.path, b.path) || compare(a.method, b.method))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
