import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'

import { parseCookies } from './cookies.ts'
import { elementsFromRight } from './forwarded.ts'
import type { ForwardedElement } from './forwarded.ts'
import { isHost } from './host.ts'
import { canonicalAddress, unmapped } from './ip-address.ts'
import { parseMediaType } from './media-type.ts'
import type { MediaType } from './media-type.ts'
import type { ForwardedFacts, Peer } from './proxy-trust.ts'
import { RequestConditions } from './request-conditions.ts'
import { RequestHeaders } from './request-headers.ts'
import type { RequestTarget } from './request-target.ts'
import { UsageError } from './usage-error.ts'

/** The parsed `Content-Type`, `null` when it is missing or malformed. */
export let mediaTypeOf: (head: RequestHead) => MediaType | null

/** Replaces what is known of the client. */
export let overrideFacts: (head: RequestHead, facts: RequestFacts) => void

/** What {@link Request.override} can replace. */
export interface RequestFacts {
  /** See {@link Request.remote}. */
  readonly remote?: string | undefined
  /** See {@link Request.scheme}. */
  readonly scheme?: 'http' | 'https' | undefined
  /** See {@link Request.host}. */
  readonly host?: string | undefined
}

/** What request line and header fields say: each thing is parsed when it is asked for, and once. */
export class RequestHead {
  /** Node's own object, for what Allium does not cover. Reading its body bypasses every limit. */
  readonly raw: IncomingMessage
  /** Method, upper-case. */
  readonly method: string
  /**
   * The path with each segment percent-decoded once; `%2F`, `%5C` and `%25` stay, so that data never becomes a
   * separator. It is the very string that the router matched.
   */
  readonly path: string
  /** The path as it was sent. */
  readonly rawPath: string
  readonly #address: RequestTarget
  readonly #peer: Peer
  /** What is known beyond the connection, `null` when nothing is. */
  #facts: ForwardedFacts | null | undefined
  #headers: RequestHeaders | undefined
  #cookies: Readonly<Record<string, string>> | undefined
  #query: URLSearchParams | undefined
  #url: URL | undefined
  #mediaType: MediaType | null | undefined
  #conditions: RequestConditions | undefined

  static {
    mediaTypeOf = head => (head.#mediaType ??= parseMediaType(head.raw.headers['content-type'] ?? '') ?? null)
    overrideFacts = (head, facts) => {
      assertFacts(facts)
      const { scheme = head.scheme, host = head.host } = facts
      const remote = facts.remote === undefined ? head.remote : canonicalAddress(facts.remote)
      head.#facts = { scheme, host, remote }
      head.#url = undefined
    }
  }

  /** @internal Requests are made by the server. */
  constructor(raw: IncomingMessage, address: RequestTarget, peer: Peer) {
    this.raw = raw
    this.method = raw.method!
    this.path = address.path
    this.rawPath = address.rawPath
    this.#address = address
    this.#peer = peer
    // The remaining private fields start undefined in declaration order: every request has one hidden class.
  }

  /** Header fields. */
  get headers(): RequestHeaders {
    return (this.#headers ??= new RequestHeaders(this.raw))
  }

  /** Name and value of each header field as it was sent, in order: names in their own case, nothing joined. */
  get rawHeaders(): readonly (readonly [name: string, value: string])[] {
    return pairs(this.raw.rawHeaders)
  }

  /**
   * Trailer fields, which a client may send behind a body in chunks: complete once the body has been read to its end,
   * empty before. They never become {@link RequestHead.headers} (RFC 9110 §6.5).
   */
  get trailers(): RequestHeaders {
    return new RequestHeaders({ headers: this.raw.trailers, rawHeaders: this.raw.rawTrailers })
  }

  /** Cookies by name, the first of equal names, in an object without a prototype. Untrusted, as everything here. */
  get cookies(): Readonly<Record<string, string>> {
    return (this.#cookies ??= parseCookies(this.raw.headers.cookie ?? ''))
  }

  /** Query parameters; `getAll` for repeated names. */
  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#address.queryText))
  }

  /** The text behind the first `?` of the target, as it was sent; `''` without one. */
  get queryString(): string {
    return this.#address.queryText
  }

  /** `1.1` or `1.0`: others are answered 505 and run no route. */
  get httpVersion(): string {
    return this.raw.httpVersion
  }

  /** Whether the client wants to use the connection again (RFC 9112 §9.3). The server may close it nonetheless. */
  get keepAlive(): boolean {
    const options = (this.raw.headers.connection ?? '').toLowerCase().split(',').map(trim)
    return this.raw.httpVersion === '1.1' ? !options.includes('close') : options.includes('keep-alive')
  }

  /**
   * The socket of an encrypted connection, `undefined` for one that is not: what was negotiated, `getCipher()`, and who the
   * client is where certificates are asked for, `authorized`, `getPeerCertificate()`. A proxy that `trustProxy` names
   * does not count here: it is its connection.
   */
  get tls(): TLSSocket | undefined {
    const socket = this.raw.socket as Partial<TLSSocket>
    // By a method, not by `encrypted`: that is also true of sockets that only claim it.
    return typeof socket.getPeerCertificate === 'function' ? (socket as TLSSocket) : undefined
  }

  /** The absolute URL, made of {@link RequestHead.scheme}, {@link RequestHead.host} and the target. */
  get url(): URL {
    const { rawPath, queryText } = this.#address
    const path = rawPath === '*' ? '/' : rawPath
    return (this.#url ??= new URL(`${this.scheme}://${this.host}${path}${queryText && `?${queryText}`}`))
  }

  /**
   * `https` when the connection is encrypted, or when a proxy that `trustProxy` names says that the client's is.
   */
  get scheme(): 'http' | 'https' {
    return this.#known()?.scheme ?? ((this.raw.socket as Partial<TLSSocket>).encrypted ? 'https' : 'http')
  }

  /** Whether {@link RequestHead.scheme} is `https`. */
  get secure(): boolean {
    return this.scheme === 'https'
  }

  /**
   * Host and port that the client asked for, validated: what a proxy that `trustProxy` names says, or the authority of an
   * absolute-form target (RFC 9112 §3.2.2), or the `Host` field. A request without a valid one, be it HTTP/1.0 or
   * refused for it, gets the address it was sent to.
   */
  get host(): string {
    const told = this.#known()?.host ?? this.#address.authority
    if (told !== undefined) return told
    const { host = '' } = this.raw.headers
    return isHost(host) ? host : localHost(this.raw.socket)
  }

  /**
   * Address of the client: of the peer that is connected, or what proxies that `trustProxy` names say. An IPv6 address is
   * spelt as RFC 5952 has it, an IPv4 address is in dotted form on sockets for both. `undefined` on a unix socket, and when
   * a trusted proxy does not tell an address: never that of the proxy then.
   */
  get remote(): string | undefined {
    const known = this.#known()
    return known ? known.remote : this.#peer.address
  }

  /**
   * What the `Forwarded` field says, client first, for logs: anyone can write one, and nothing here depends on trust. Ends
   * towards the client where it is not well-formed (RFC 7239).
   */
  get forwarded(): readonly ForwardedElement[] {
    const elements = [...elementsFromRight(this.raw.headers.forwarded ?? '')]
    return elements.filter(element => element !== undefined).reverse()
  }

  /** Lower-case media type of the body without its parameters, `undefined` when missing or malformed. */
  get contentType(): string | undefined {
    return mediaTypeOf(this)?.essence
  }

  /** The charset that the `Content-Type` names, in lower case. */
  get charset(): string | undefined {
    return mediaTypeOf(this)?.parameters.get('charset')?.toLowerCase()
  }

  /** `If-Match` and its kin, parsed; most handlers want `checkConditions`. */
  get conditions(): RequestConditions {
    return (this.#conditions ??= new RequestConditions(this.raw.headers))
  }

  /** Declared length of the body in bytes, `undefined` when there is none or it is sent in chunks. */
  get contentLength(): number | undefined {
    const value = this.raw.headers['content-length']
    return value === undefined ? undefined : Number(value) // the parser lets only digits through
  }

  #known(): ForwardedFacts | null {
    if (this.#facts === undefined) {
      const { trust, address } = this.#peer
      this.#facts = trust?.read(address, this.raw.headers) ?? null
    }
    return this.#facts
  }
}

function assertFacts({ scheme, host, remote }: RequestFacts): void {
  const refuse = (name: string, value: string) => {
    throw new TypeError(`Cannot override the ${name} of a request: "${value}" is none`)
  }
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') refuse('scheme', scheme)
  if (host !== undefined && !isHost(host)) refuse('host', host)
  if (remote !== undefined && canonicalAddress(remote) === undefined) refuse('remote address', remote)
}

function pairs(list: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!])
}

function trim(text: string): string {
  return text.trim()
}

function localHost({ localAddress, localPort }: IncomingMessage['socket']): string {
  if (localAddress === undefined) return 'localhost'
  const [address] = unmapped(localAddress).split('%') as [string] // a zone cannot stand in a URL
  return `${address.includes(':') ? `[${address}]` : address}:${localPort}`
}

/** @throws UsageError `ERR_DETACHED_METHOD` when a method was called without its request */
export function assertCalledOnRequest(self: unknown, method: string): void {
  if (self instanceof RequestHead) return
  throw new UsageError(
    'ERR_DETACHED_METHOD',
    `Cannot call ${method}() without its request: write request.${method}(), do not destructure it`,
  )
}
