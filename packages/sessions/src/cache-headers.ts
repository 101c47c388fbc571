import type { Headers } from '@allium/core'

/**
 * Tells caches that the answer depends on the session (RFC 9111 §4.1, §5.2.2): one that sets the cookie is kept by
 * nobody, any other by the browser alone, unless the handler has decided (P42).
 */
export function markForCaches(headers: Headers, setsCookie: boolean): void {
  addVary(headers)
  if (!headers.has('cache-control')) headers.set('cache-control', setsCookie ? 'no-store' : 'private')
}

function addVary(headers: Headers): void {
  const listed = headers.get('vary')
  const names = listed?.toLowerCase().split(/[\t ]*,[\t ]*/)
  if (names?.includes('*') || names?.includes('cookie')) return
  headers.set('vary', listed ? `${listed}, Cookie` : 'Cookie')
}
