import type { Readable } from 'node:stream'

import type { EncodedForm } from './multipart-form.ts'
import { encodeBody } from './request-body.ts'
import type { HeaderMap, RequestBodyInit } from './request-body.ts'
import { toFields } from './request-fields.ts'
import type { FieldsInit } from './request-fields.ts'

/** Header fields to send, names without regard to case; a list repeats the field, `undefined` leaves a default out. */
export type RequestHeadersInit =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | number | readonly string[] | undefined>>

/** What a request can be given besides method and path. At most one of `json`, `form`, `multipart` and `body`. */
export interface TestRequestInit extends RequestBodyInit {
  /** Appended to the path, encoded as forms are. */
  readonly query?: FieldsInit | undefined
  /**
   * Stand before the headers of the client, and those before what the body implies; `undefined` leaves one out, `host`
   * and `content-type` included.
   */
  readonly headers?: RequestHeadersInit | undefined
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

/**
 * Turns what a caller gave into what is sent.
 *
 * @param defaults headers of the client, the last one first
 * @param encoded the multipart form of `init`, encoded
 * @throws TypeError for a path that does not begin with `/`, params without a route, two bodies
 */
export function prepareRequest(
  method: string,
  target: RequestTarget,
  init: Partial<RouteRequestInit<unknown>>,
  defaults: readonly (RequestHeadersInit | undefined)[],
  encoded?: EncodedForm | undefined,
): PreparedRequest {
  const path = toPath(target, init)
  const headers: HeaderMap = new Map()
  for (const fields of [...defaults.toReversed(), init.headers]) addHeaders(headers, fields)
  const body = encodeBody(init, headers, encoded)
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

function addHeaders(headers: HeaderMap, init: RequestHeadersInit = {}): void {
  const fields = Symbol.iterator in init ? groupByName(init) : Object.entries(init)
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

function withoutUndefined(headers: HeaderMap): Map<string, string | string[]> {
  return new Map([...headers].filter((field): field is [string, string | string[]] => field[1] !== undefined))
}
