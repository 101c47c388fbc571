import { Readable } from 'node:stream'

/** What one field of a query or a form can be given as; a list repeats the name, `undefined` is left out. */
export type FieldValue = string | number | bigint | boolean

/** Fields of a query or a form. */
export type FieldsInit =
  URLSearchParams | Readonly<Record<string, FieldValue | readonly FieldValue[] | undefined>>

/** Header fields to send, names without regard to case; a list repeats the field, `undefined` leaves a default out. */
export type RequestHeadersInit =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | number | readonly string[] | undefined>>

/** What a request can be given as a body: bytes, text in UTF-8, or a stream of either, which is sent in chunks. */
export type RequestBody = string | Uint8Array | AsyncIterable<string | Uint8Array>

/** What a request can be given besides method and path. At most one of `json`, `form` and `body`. */
export interface TestRequestInit {
  /** Appended to the path, encoded as forms are. */
  readonly query?: FieldsInit | undefined
  /**
   * Stand before the headers of the client, and those before what the body implies; `undefined` leaves one out, `host`
   * and `content-type` included.
   */
  readonly headers?: RequestHeadersInit | undefined
  /** Sent as JSON, as `application/json`. */
  readonly json?: unknown
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: FieldsInit | undefined
  /** Sent as it is, without a `Content-Type` unless the headers have one. */
  readonly body?: RequestBody | undefined
  /** Aborts the request, and the response while it is being read. */
  readonly signal?: AbortSignal | undefined
  /** How many redirects are followed, `true` for 20; default `false`: a redirect is a response like any other. */
  readonly follow?: boolean | number | undefined
  /** How long the response may take to begin, and then its body to be read, in ms; default: the client's. `Infinity` for ever. */
  readonly timeout?: number | undefined
}

/** What a request to a route with params is given. */
export interface RouteRequestInit<Params> extends TestRequestInit {
  /** The params of the route's path. */
  readonly params: Params
}

/** What leads to a route: what `app.get()` and its kin return. */
export interface RouteTarget {
  /** The pattern, for messages. */
  readonly path: string
  /** Builds the path that is requested. */
  url(...args: never[]): string
}

/** What is requested: a path with or without a query, or a route. */
export type RequestTarget = string | RouteTarget

/** What follows the target of a request: `params` are required where the route has some. */
export type RequestArguments<Target extends RequestTarget> = Target extends RouteTarget
  ? undefined extends Parameters<Target['url']>[0]
    ? [init?: Partial<RouteRequestInit<Parameters<Target['url']>[0]>> | undefined]
    : [init: RouteRequestInit<Parameters<Target['url']>[0]>]
  : [init?: TestRequestInit | undefined]

/** A request as it is sent. */
export interface PreparedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** By lower-case names. */
  readonly headers: ReadonlyMap<string, string | string[]>
  readonly body: Uint8Array | Readable | undefined
}

type HeaderMap = Map<string, string | string[] | undefined>

/**
 * Turns what a caller gave into what is sent.
 *
 * @param defaults headers of the client, the last one first
 * @throws TypeError for a path that does not begin with `/`, params without a route, two bodies
 */
export function prepareRequest(
  method: string,
  target: RequestTarget,
  init: Partial<RouteRequestInit<unknown>>,
  defaults: readonly (RequestHeadersInit | undefined)[],
): PreparedRequest {
  const path = toPath(target, init)
  const headers: HeaderMap = new Map()
  for (const fields of [...defaults.toReversed(), init.headers]) addHeaders(headers, fields)
  const body = encodeBody(init, headers)
  return { method: method.toUpperCase(), path, headers: withoutUndefined(headers), body }
}

function toPath(target: RequestTarget, { params, query }: Partial<RouteRequestInit<unknown>>): string {
  const path = typeof target === 'string' ? target : routePath(target, params)
  if (typeof target === 'string' && params !== undefined) {
    throw new TypeError(`Cannot request "${target}": params need a route, this is a path`)
  }
  if (!/^\/|^\*$/.test(path)) throw new TypeError(`Cannot request "${path}": a path begins with "/"`)
  const text = query === undefined ? '' : toFields(query).toString()
  if (text === '') return path
  return path + (path.includes('?') ? '&' : '?') + text
}

function routePath(route: RouteTarget, params: unknown): string {
  return route.url(...([params] as never[])) // their types were compared at the call, by RequestArguments
}

function toFields(init: FieldsInit): URLSearchParams {
  if (Symbol.iterator in init) return new URLSearchParams(init as Iterable<[string, string]>) // of any realm
  const fields = new URLSearchParams()
  for (const [name, given] of Object.entries(init)) {
    const values = Array.isArray(given) ? (given as readonly FieldValue[]) : [given as FieldValue | undefined]
    for (const value of values) if (value !== undefined) fields.append(name, String(value))
  }
  return fields
}

function addHeaders(headers: HeaderMap, init: RequestHeadersInit = {}): void {
  const fields =
    Symbol.iterator in init ? groupByName(init as Iterable<readonly [string, string]>) : Object.entries(init)
  for (const [name, value] of fields) headers.set(name.toLowerCase(), toHeaderValue(value))
}

function groupByName(
  pairs: Iterable<readonly [name: string, value: string]>,
): Map<string, string | string[]> {
  const grouped = new Map<string, string | string[]>()
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase()
    const before = grouped.get(lower)
    grouped.set(lower, before === undefined ? value : [before, value].flat())
  }
  return grouped
}

function toHeaderValue(
  value: string | number | readonly string[] | undefined,
): string | string[] | undefined {
  if (value === undefined) return undefined
  return typeof value === 'object' ? [...value] : String(value)
}

/** Adds the headers that describe the body, unless there are such. */
function encodeBody(init: TestRequestInit, headers: HeaderMap): Uint8Array | Readable | undefined {
  const given = (['json', 'form', 'body'] as const).filter(name => init[name] !== undefined)
  if (given.length > 1) throw new TypeError(`Cannot send a request with both "${given[0]}" and "${given[1]}"`)

  const body = bytesOf(init, headers)
  if (body === undefined || headers.has('content-length') || headers.has('transfer-encoding')) return body
  // Node leaves both out for GET and DELETE, and the body would be taken for the next request.
  if (body instanceof Readable) headers.set('transfer-encoding', 'chunked')
  else headers.set('content-length', String(body.length))
  return body
}

function bytesOf(
  { json, form, body }: TestRequestInit,
  headers: HeaderMap,
): Uint8Array | Readable | undefined {
  if (json !== undefined) {
    addDefault(headers, 'content-type', 'application/json')
    return Buffer.from(toJson(json))
  }
  if (form !== undefined) {
    addDefault(headers, 'content-type', 'application/x-www-form-urlencoded')
    return Buffer.from(toFields(form).toString())
  }
  if (body === undefined) return undefined
  if (typeof body === 'string') return Buffer.from(body)
  return Symbol.asyncIterator in body ? toReadable(body) : body
}

function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`Cannot send a ${typeof value} as JSON`)
  return text
}

function toReadable(body: AsyncIterable<string | Uint8Array>): Readable {
  return body instanceof Readable ? body : Readable.from(body)
}

function addDefault(headers: HeaderMap, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value)
}

function withoutUndefined(headers: HeaderMap): Map<string, string | string[]> {
  return new Map([...headers].filter((field): field is [string, string | string[]] => field[1] !== undefined))
}
