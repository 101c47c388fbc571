import { isIPv4, isIPv6, SocketAddress } from 'node:net'

const MAPPED = '::ffff:'

/**
 * The one spelling of an IP address: an IPv6 address as RFC 5952 writes it, an IPv4 address in dotted form also where
 * it came mapped into IPv6. `undefined` for anything else, an address with a zone included.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return undefined
  return unmapped(new SocketAddress({ address: text, family: 'ipv6' }).address)
}

/** An IPv4 address that the system shows mapped into IPv6, as it does on a socket that listens for both. */
export function unmapped(address: string): string {
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address
}

/**
 * The address in a node of `Forwarded` or of `X-Forwarded-For`: bare, or with a port, an IPv6 address in brackets
 * then (RFC 7239 §6). `undefined` for `unknown`, an obfuscated identifier, and what is no node at all.
 */
export function nodeAddress(node: string): string | undefined {
  const bare = canonicalAddress(node)
  if (bare !== undefined) return bare
  const [, inBrackets, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/.exec(node) ?? []
  if (plain !== undefined) return canonicalAddress(plain)
  return inBrackets !== undefined && isIPv6(inBrackets) ? canonicalAddress(inBrackets) : undefined
}
