import type { Request } from '../request.ts'

/**
 * Names who sends a request, for limits: the address of the client, of IPv6 only the network (/64), since a single
 * client has all the addresses in it. Behind proxies that `trustProxy` does not name every client is the proxy; all
 * those on a unix socket, or of whom a trusted proxy does not tell, are one.
 */
export function clientKey({ remote = 'unknown' }: Pick<Request, 'remote'>): string {
  if (!remote.includes(':')) return remote
  const [left, right] = remote.split('::').map(groupsOf) as [string[], string[]?] // there is at most one
  const zeros = right ? 8 - left.length - right.length : 0
  return `${[...left, ...Array<string>(zeros).fill('0'), ...(right ?? [])].slice(0, 4).join(':')}::/64`
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
