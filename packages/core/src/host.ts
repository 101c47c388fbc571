import { isIPv4, isIPv6 } from 'node:net'

// RFC 9110 §7.2: uri-host [":" port]. A reg-name is limited to what DNS names and their underscored cousins use:
// userinfo, spaces, paths and commas have no business here (RFC 9112 §3.2).
const LABEL = '[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?'
const HOST = new RegExp(`^(?:(${LABEL}(?:\\.${LABEL})*\\.?)|\\[([0-9a-f:.]{2,45})\\])(?::(\\d{1,5}))?$`, 'i')
const MAX_LENGTH = 261 // 255 for the name, 6 for the port
/** A last label that makes the whole an IPv4 address for URLs, "127.1" and "0x7f.1" included. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i
const HAS_PUNYCODE = /(?:^|\.)xn--/i

/**
 * Whether the text is a well-formed `Host` value: a name or an address, with or without a port. What is, can stand in a
 * URL, and means the same there.
 */
export function isHost(text: string): boolean {
  const match = text.length <= MAX_LENGTH && HOST.exec(text)
  if (!match) return false
  const [, name, ipv6, port] = match
  if (port !== undefined && Number(port) > 65_535) return false
  if (name === undefined) return isIPv6(ipv6!)
  if (ENDS_IN_NUMBER.test(name)) return isIPv4(name)
  return !HAS_PUNYCODE.test(name) || URL.canParse(`http://${name}`)
}
