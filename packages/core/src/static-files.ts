import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { decodeSegments } from '@allium/router'

import type { Answer } from './answer.ts'
import { ContentHashes } from './content-hashes.ts'
import { listDirectory } from './directory-listing.ts'
import { answerWithFile } from './file-answer.ts'
import { FileHead, IMMUTABLE } from './file-head.ts'
import type { FileCaching, FileHeadOptions } from './file-head.ts'
import { FileRoot, realDirectory } from './file-root.ts'
import type { FilePlace, FileRootOptions } from './file-root.ts'
import type { Headers } from './headers.ts'
import { HttpNotFound } from './http-error.ts'
import type { Handler } from './middleware.ts'
import { isReadable } from './opened-file.ts'
import type { Request } from './request.ts'
import { redirect } from './response.ts'
import type { Response } from './response.ts'
import { get } from './routes.ts'
import type { Route, RouteDefinition, RouteOptions } from './routes.ts'
import { addVary } from './vary.ts'

/** What a directory of static files can be given. */
export interface StaticOptions
  extends
    Omit<FileCaching, 'etag' | 'lastModified'>,
    FileRootOptions,
    Pick<FileHeadOptions, 'headers' | 'download'>,
    Pick<RouteOptions, 'name' | 'middlewares' | 'meta' | 'timeout'> {
  /** `Cache-Control`; default: `no-cache`, which lets caches keep files and makes them ask each time. */
  readonly cacheControl?: string | undefined
  /** Whether to send an `ETag`, of modification time and size; default `true`. */
  readonly etag?: boolean | undefined
  /** Whether to send `Last-Modified`; default `true`. */
  readonly lastModified?: boolean | undefined
  /** Names that stand for their directory, the first one that is there; default `['index.html']`. */
  readonly index?: readonly string[] | undefined
  /** Whether a directory without index is answered by a list of what is in it; default `false`: 404. */
  readonly listing?: boolean | undefined
  /** Whether to send compressed siblings, `.br`, `.zst` or `.gz`, to clients that accept them; default `false`. */
  readonly precompressed?: boolean | undefined
  /**
   * What answers where there is no file: one of the directory, for navigations of browsers only, as applications of one
   * page want it; or a handler, for all of it. Default: 404.
   */
  readonly fallback?: string | Handler | undefined
  /** Changes the header fields of a file; `path` is relative to the directory, separated by `/`. */
  readonly setHeaders?: ((headers: Headers, path: string) => void) | undefined
}

/** Of larger files a hash that nobody has asked for is not made for a request, in bytes. */
const MAX_HASHED = 16 * 1024 * 1024
const PREFIX = /^(?:\/|(?:\/[^/:*()?]+)+\/?)$/
/** What the answer depends on where navigations get another one. */
const NAVIGATION_FIELDS = ['Accept', 'Sec-Fetch-Mode']

/** A directory whose files are served below a path: made by `app.static`. */
export class StaticFiles {
  /** @internal The wildcard first. */
  readonly routes: readonly RouteDefinition[]
  readonly #options: StaticOptions
  readonly #root: FileRoot
  readonly #head: FileHead
  readonly #hashes = new ContentHashes()
  #route: Route | undefined

  /** @internal Made by `app.static` and {@link staticFiles}. */
  constructor(prefix: string, directory: string | URL, options: StaticOptions = {}) {
    if (!PREFIX.test(prefix)) {
      throw new TypeError(
        `Cannot serve files at "${prefix}": a prefix is "/", or literal segments such as "/assets"`,
      )
    }
    this.#options = options
    this.#root = new FileRoot(realDirectory(directory), options)
    this.#head = new FileHead({ ...options, cacheControl: cacheControlOf(options) })
    assertFallback(this.#root, options.fallback)
    this.routes = this.#createRoutes(prefix.replace(/\/$/, ''))
  }

  /** @internal Where the files are reached. */
  bind(wildcard: Route): void {
    this.#route = wildcard
  }

  /**
   * The URL of a file, mount prefixes included. Whether it is there is not checked.
   *
   * @param path relative to the directory, separated by `/`
   * @throws TypeError for an empty segment, `.` or `..`
   */
  url(path: string): string {
    return this.#urlOf(path, {})
  }

  /**
   * The URL of a file with a hash of its content, `/assets/app.css?v=…`: of a changed file it is another one. While the hash
   * is true the answer may be kept for a year; with one that is not, it is as without. The hash is made once as long
   * as the file does not change.
   *
   * @param path relative to the directory, separated by `/`
   * @throws Error when there is no such file
   */
  async hashedUrl(path: string): Promise<string> {
    const place = await this.#root.find(path.split('/'))
    const hash = place?.kind === 'file' ? await this.#hashes.of(place.path, Infinity) : undefined
    if (hash === undefined) throw new Error(`Cannot make the URL of "${path}": there is no such file`)
    return this.#urlOf(path, { query: { v: hash } })
  }

  #urlOf(path: string, options: { query?: { v: string } }): string {
    return this.#route!.url({ '*': path.split('/') }, options)
  }

  #createRoutes(prefix: string): RouteDefinition[] {
    const { name, middlewares, meta, timeout } = this.#options
    const answer: Handler = request => this.#answer(request)
    const wildcard = get(`${prefix}/*`, answer, { name, middlewares, meta, timeout })
    return prefix === '' ? [wildcard] : [wildcard, get(prefix, answer, { middlewares, meta, timeout })]
  }

  async #answer(request: Request): Promise<Answer> {
    const names = namesOf(request.params['*'] ?? '')
    const place = await this.#root.find(names)
    const answer = place && (await this.#show(request, place, names))
    return answer ?? this.#miss(request)
  }

  async #show(request: Request, place: FilePlace, names: readonly string[]): Promise<Response | undefined> {
    const asDirectory = request.rawPath.endsWith('/')
    if (place.kind === 'file') return asDirectory ? undefined : this.#send(request, place, names)

    const index = await this.#findIndex(names)
    if (!index && !this.#options.listing) return undefined
    if (!asDirectory) return (await isReadable((index?.place ?? place).path)) ? toSlash(request) : undefined
    if (index) return this.#send(request, index.place, [...names, index.name])
    return listDirectory({ root: this.#root, names, place }, request.path)
  }

  async #findIndex(names: readonly string[]): Promise<{ name: string; place: FilePlace } | undefined> {
    for (const name of this.#options.index ?? ['index.html']) {
      const place = await this.#root.find([...names, name])
      if (place?.kind === 'file') return { name, place }
    }
    return undefined
  }

  async #miss(request: Request): Promise<Answer> {
    const { fallback } = this.#options
    if (typeof fallback === 'function') return fallback(request)
    const page = fallback === undefined ? undefined : await this.#sendFallback(request, fallback)
    if (page) return page
    const headers = fallback === undefined ? undefined : { vary: NAVIGATION_FIELDS.join(', ') }
    throw new HttpNotFound(undefined, { headers })
  }

  async #sendFallback(request: Request, path: string): Promise<Response | undefined> {
    if (!isNavigation(request)) return undefined
    const names = path.split('/')
    const place = await this.#root.find(names)
    return place?.kind === 'file'
      ? this.#send(request, place, names, fields => {
          fields.set('cache-control', 'no-cache') // it is as good as any other page only now
          for (const name of NAVIGATION_FIELDS) addVary(fields, name)
        })
      : undefined
  }

  #send(
    request: Request,
    { path }: FilePlace,
    names: readonly string[],
    adjust?: (fields: Headers) => void,
  ): Promise<Response | undefined> {
    const { precompressed = false, setHeaders } = this.#options
    return answerWithFile(request, {
      path,
      follows: false,
      status: 200,
      precompressed,
      head: this.#head,
      adjust: async fields => {
        if (await this.#isHashed(request, path)) fields.set('cache-control', IMMUTABLE)
        adjust?.(fields)
        setHeaders?.(fields, names.join('/'))
      },
    })
  }

  /** Whether the URL holds the hash of what the file contains now. */
  async #isHashed({ query }: Request, path: string): Promise<boolean> {
    const version = query.get('v')
    return version !== null && (await this.#hashes.of(path, MAX_HASHED)) === version
  }
}

/**
 * The routes of a directory of static files as data, for `app.addRoutes`: see `app.static`.
 *
 * @throws what `app.static` throws
 * @example
 * ```ts
 * import { Application, get, staticFiles, text } from '@allium/core'
 *
 * const app = new Application()
 * app.addRoutes([get('/', () => text('hello')), ...staticFiles('/src', import.meta.dirname)])
 * ```
 */
export function staticFiles(
  prefix: string,
  directory: string | URL,
  options?: StaticOptions | undefined,
): readonly RouteDefinition[] {
  return new StaticFiles(prefix, directory, options).routes
}

function assertFallback({ path }: FileRoot, fallback: StaticOptions['fallback']): void {
  if (typeof fallback !== 'string' || existsSync(join(path, fallback))) return
  throw new TypeError(`Cannot fall back to "${fallback}": there is no such file in "${path}"`)
}

function cacheControlOf({ cacheControl, maxAge, immutable }: StaticOptions): string | undefined {
  return cacheControl ?? (maxAge === undefined && !immutable ? 'no-cache' : undefined)
}

/** The segments of what the wildcard matched; the slash at the end of a directory does not count. */
function namesOf(rest: string): string[] {
  const names = decodeSegments(rest)
  if (names.at(-1) === '') names.pop()
  return names
}

/** On the same site whatever the path: slashes that begin it become one (P18). */
function toSlash({ rawPath, raw }: Request): Response {
  const mark = raw.url!.indexOf('?')
  const query = mark === -1 ? '' : raw.url!.slice(mark)
  return redirect(`${rawPath.replace(/^\/+/, '/')}/${query}`, 308)
}

/** Whether a browser goes to a page, rather than a page fetching something; old browsers do not say. */
function isNavigation({ headers }: Request): boolean {
  const mode = headers.get('sec-fetch-mode')
  return mode === null ? (headers.get('accept') ?? '').includes('text/html') : mode === 'navigate'
}
