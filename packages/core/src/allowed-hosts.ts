import { HostMap, parseHost } from '@allium/router'

/** Answers whether a host, valid but from outside, is one that is served. */
export type IsAllowedHost = (host: string) => boolean

/**
 * Reads the list of hosts that are served; `undefined` for any.
 *
 * @throws TypeError for an entry that is no host, or a list without entries
 */
export function allowedHosts(hosts: readonly string[] | undefined): IsAllowedHost | undefined {
  if (hosts === undefined) return undefined
  if (hosts.length === 0)
    throw new TypeError('Cannot make a runner: allowedHosts is empty, so nothing would be served')
  const allowed = new HostMap<true>()
  for (const host of hosts) allowed.getOrAdd(parseHost(host), () => true)
  return host => allowed.find(host) === true
}
