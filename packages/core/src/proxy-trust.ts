import type { IncomingHttpHeaders } from 'node:http'
import { BlockList } from 'node:net'

import { elementsFromRight } from './forwarded.ts'
import type { ForwardedElement } from './forwarded.ts'
import { isHost } from './host.ts'
import { canonicalAddress, nodeAddress } from './ip-address.ts'

/**
 * Who may speak for others:
 *
 * - a number: so many proxies stand in front, whatever their addresses. Only where nobody can reach the server past them.
 * - addresses and networks, `'10.0.0.7'`, `'10.0.0.0/8'`, `'fd00::/8'`, or names of networks: `'loopback'`, `'linklocal'`,
 *   `'uniquelocal'` (the private ones), and `'unix'` for whoever connects by a unix socket
 * - a function of an address, `undefined` for a unix socket, and of how many proxies are between it and the server
 */
export type TrustedPeers =
  number | string | readonly string[] | ((address: string | undefined, hop: number) => boolean)

/** Something that a proxy tells of the request as it got it. */
export type ForwardedFact = 'for' | 'proto' | 'host'

/** Which proxies are believed, and about what. */
export interface TrustProxyOptions {
  /** Who may speak for others. */
  readonly peers: TrustedPeers
  /**
   * Which fields the proxies write: `'x-forwarded'` for `X-Forwarded-For`, `-Proto` and `-Host`, or `'forwarded'` for the
   * one of RFC 7239. Default `'x-forwarded'`. The others are never read, as a proxy lets those pass that it does not write.
   */
  readonly header?: 'x-forwarded' | 'forwarded' | undefined
  /** What they are believed about; default: everything. Leave out what they pass on without overwriting or appending. */
  readonly facts?: readonly ForwardedFact[] | undefined
}

/** What proxies say of the client, as far as they are trusted and it makes sense. */
export interface ForwardedFacts {
  /** `undefined` when a trusted proxy does not tell. */
  readonly remote: string | undefined
  readonly scheme: 'http' | 'https' | undefined
  readonly host: string | undefined
}

/** Whoever is connected, and who it may be speaking for. */
export interface Peer {
  /** `undefined` on a unix socket. */
  readonly address: string | undefined
  readonly trust: ProxyTrust | undefined
}

type IsTrusted = (address: string | undefined, hop: number) => boolean

/** So many addresses are remembered with the answer: looking one up in the list takes microseconds under Node 20. */
const MAX_REMEMBERED = 1000
/** Trusted proxies in a row before the walk is given up: no deployment has so many. */
const MAX_HOPS = 32
const NETWORKS: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}
// Some proxies name the scheme of a WebSocket (Traefik does).
const SCHEMES: Readonly<Record<string, 'http' | 'https'>> = {
  http: 'http',
  https: 'https',
  ws: 'http',
  wss: 'https',
}

/**
 * Finds out who is behind proxies. Walks from the server towards the client for as long as those who speak are trusted:
 * what stands further left in a field was written by nobody that is, and is not looked at.
 */
export class ProxyTrust {
  readonly #isTrusted: IsTrusted
  readonly #header: 'x-forwarded' | 'forwarded'
  readonly #facts: ReadonlySet<ForwardedFact>

  /**
   * @throws RangeError for a number of proxies that is none
   * @throws TypeError for an address, a network, a header or a fact that is none
   */
  constructor(option: TrustedPeers | TrustProxyOptions) {
    const { peers, header = 'x-forwarded', facts = ['for', 'proto', 'host'] } = toOptions(option)
    this.#isTrusted = toPredicate(peers)
    this.#header = header
    this.#facts = new Set(facts)
    for (const fact of facts) if (!['for', 'proto', 'host'].includes(fact)) throw unknown(fact, 'a fact')
    if (!['x-forwarded', 'forwarded'].includes(header)) throw unknown(header, 'a header')
  }

  /** What is believed of the request; `undefined` when nothing is, and the connection speaks for itself. */
  read(peer: string | undefined, headers: IncomingHttpHeaders): ForwardedFacts | undefined {
    if (!this.#isTrusted(peer, 0)) return undefined
    return this.#header === 'forwarded'
      ? this.#readForwarded(peer, headers)
      : this.#readXForwarded(peer, headers)
  }

  #readForwarded(peer: string | undefined, { forwarded = '' }: IncomingHttpHeaders): ForwardedFacts {
    const elements = [...elementsFromRight(forwarded)]
    const { remote, passed } = this.#walk(
      peer,
      elements.map(element => element?.get('for') ?? ''),
    )
    const believed = elements.slice(0, passed)
    return {
      remote: this.#facts.has('for') ? remote : peer,
      scheme: this.#scheme(outermost(believed, 'proto')),
      host: this.#host(outermost(believed, 'host')),
    }
  }

  #readXForwarded(peer: string | undefined, headers: IncomingHttpHeaders): ForwardedFacts {
    const nodes = this.#facts.has('for') ? itemsFromRight(headers['x-forwarded-for']) : []
    const { remote, passed } = this.#walk(peer, nodes)
    // Proxies that overwrite these leave one value, proxies that append leave one each, as with the addresses.
    const position = Math.max(passed, 1)
    return {
      remote,
      scheme: this.#scheme(itemsFromRight(headers['x-forwarded-proto']).slice(0, position).at(-1)),
      host: this.#host(itemsFromRight(headers['x-forwarded-host']).slice(0, position).at(-1)),
    }
  }

  /**
   * Finds the first address that is not trusted, or else the last one; `undefined` when it is not told.
   *
   * @param nodes as proxies write them, the nearest first
   */
  #walk(
    peer: string | undefined,
    nodes: readonly string[],
  ): { readonly remote: string | undefined; readonly passed: number } {
    let remote = peer
    let passed = 0
    while (passed < nodes.length) {
      remote = nodeAddress(nodes[passed++]!)
      if (passed === MAX_HOPS) return { remote: undefined, passed }
      if (remote === undefined || !this.#isTrusted(remote, passed)) break
    }
    return { remote, passed }
  }

  #scheme(proto: string | undefined): 'http' | 'https' | undefined {
    const name = proto?.toLowerCase() ?? ''
    return this.#facts.has('proto') && Object.hasOwn(SCHEMES, name) ? SCHEMES[name] : undefined
  }

  #host(host: string | undefined): string | undefined {
    return host !== undefined && this.#facts.has('host') && isHost(host) ? host : undefined
  }
}

/** What the proxy nearest to the client says, of those that say anything. */
function outermost(believed: readonly (ForwardedElement | undefined)[], name: string): string | undefined {
  return believed.findLast(element => element?.has(name))?.get(name)
}

/** The items of a list, the last one first. Node joins repeated fields of these names into one string. */
function itemsFromRight(list: string | readonly string[] | undefined): string[] {
  if (list === undefined) return []
  return String(list).split(',').map(trim).filter(Boolean).reverse()
}

function trim(text: string): string {
  return text.trim()
}

function toOptions(option: TrustedPeers | TrustProxyOptions): TrustProxyOptions {
  const isOptions = typeof option === 'object' && option !== null && !Array.isArray(option)
  return isOptions ? (option as TrustProxyOptions) : { peers: option }
}

function toPredicate(peers: TrustedPeers): IsTrusted {
  if (typeof peers === 'function') return peers
  if (typeof peers === 'number') {
    if (!Number.isInteger(peers) || peers < 0 || peers > MAX_HOPS) {
      throw new RangeError(`Cannot trust ${peers} proxies: it is not a whole number from 0 to ${MAX_HOPS}`)
    }
    return (_address, hop) => hop < peers
  }
  if (typeof peers === 'string') return trustNetworks([peers])
  if (Array.isArray(peers)) return trustNetworks(peers)
  throw new TypeError(
    `Cannot trust proxies: ${typeof peers} says neither how many nor which; give a number, addresses or a function`,
  )
}

function trustNetworks(peers: readonly string[]): IsTrusted {
  const networks = new BlockList()
  for (const network of peers.flatMap(peer => NETWORKS[peer] ?? peer))
    if (network !== 'unix') add(networks, network)
  const trustsUnix = peers.includes('unix')
  const remembered = new Map<string, boolean>()
  return address => {
    if (address === undefined) return trustsUnix
    let isTrusted = remembered.get(address)
    if (isTrusted === undefined) {
      if (remembered.size === MAX_REMEMBERED) remembered.clear()
      const [withoutZone] = address.split('%') as [string]
      isTrusted = networks.check(withoutZone, address.includes(':') ? 'ipv6' : 'ipv4')
      remembered.set(address, isTrusted)
    }
    return isTrusted
  }
}

function add(networks: BlockList, network: string): void {
  const [, text = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(network) ?? []
  const address = canonicalAddress(text)
  const family = address?.includes(':') ? 'ipv6' : 'ipv4'
  const most = family === 'ipv6' ? 128 : 32
  // A network mapped into IPv6 has its bits counted from elsewhere: better refused than read wrongly.
  const isMapped = bits !== undefined && family === 'ipv4' && text.includes(':')
  if (address === undefined || isMapped || Number(bits ?? most) > most) {
    throw unknown(network, 'an address or a network')
  }
  networks.addSubnet(address, Number(bits ?? most), family)
}

function unknown(value: unknown, what: string): TypeError {
  return new TypeError(`Cannot trust proxies: "${String(value)}" is not ${what}`)
}
