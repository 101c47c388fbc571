import type { Headers } from './headers.ts'

/** Adds a request field to those that the answer depends on, for caches (RFC 9110 §12.5.5), unless it is there. */
export function addVary(headers: Headers, name: string): void {
  const listed = headers.get('vary')
  const names = listed?.toLowerCase().split(/[\t ]*,[\t ]*/)
  if (names?.includes('*') || names?.includes(name.toLowerCase())) return
  headers.set('vary', listed ? `${listed}, ${name}` : name)
}
