import { decodePath } from '@allium/router'

import { HttpMethodNotAllowed, HttpNotFound } from '../http-error.ts'
import { isInstance } from '../is-instance.ts'
import type { Middleware } from '../middleware.ts'
import { targetOf } from '../request.ts'
import type { Request } from '../request.ts'
import { redirect } from '../response.ts'

/** What {@link normalizePath} can be given. */
export interface NormalizePathOptions {
  /** Tries the path with a slash at its end; default `true`, or `false` with `removeSlash`. */
  readonly appendSlash?: boolean | undefined
  /** Tries the path without the slashes at its end; default `false`. */
  readonly removeSlash?: boolean | undefined
  /** Tries the path with each run of slashes made one; default `true`. */
  readonly mergeSlashes?: boolean | undefined
  /** Status of the redirect; default 308, which keeps method and body and which clients may remember. */
  readonly status?: 301 | 302 | 307 | 308 | undefined
}

/**
 * Redirects a request that no route answers to a spelling of its path that one does: slashes merged, a slash
 * appended or removed, or both. The query stays. Nothing is rewritten here: the redirected request passes every
 * guard like any other (P9). Location never names another host: slashes that begin the path always become one (P18).
 *
 * Only a 404, or a 405, that routing gave is replaced; what else the onion answers is left alone.
 *
 * @throws TypeError for `appendSlash` together with `removeSlash`
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { normalizePath } from '@allium/core/middlewares'
 *
 * const app = new Application()
 * app.use(normalizePath())
 * app.get('/docs/', () => text('documents')) // reached from /docs and //docs too
 * ```
 */
export function normalizePath(options: NormalizePathOptions = {}): Middleware {
  const { removeSlash = false, mergeSlashes = true, status = 308 } = options
  const { appendSlash = !removeSlash } = options
  if (appendSlash && removeSlash) {
    throw new TypeError('Cannot normalize paths: appendSlash and removeSlash contradict each other')
  }
  const changeEnd = appendSlash ? withSlash : removeSlash ? withoutSlash : unchanged

  return async function normalizePath(request, next) {
    const response = await next(request)
    if (request.route || !isMiss(response.error)) return response

    const path = request.rawPath.replace(/^\/+/, '/')
    const merged = mergeSlashes ? path.replace(/\/{2,}/g, '/') : path
    const found = [path, merged, changeEnd(path), changeEnd(merged)].find(
      candidate => candidate !== request.rawPath && hasRoute(request, candidate),
    )
    return found === undefined ? response : redirect(found + queryOf(request), status)
  }
}

function isMiss(error: unknown): boolean {
  return isInstance(error, HttpNotFound) || isInstance(error, HttpMethodNotAllowed)
}

function hasRoute(request: Request, rawPath: string): boolean {
  const path = decodePath(rawPath)! // it came decodable, and slashes change nothing about that
  return targetOf(request)!.find(request, request.method, path) !== undefined
}

/** The query as it was sent, with its question mark. */
function queryOf({ raw }: Request): string {
  const mark = raw.url!.indexOf('?')
  return mark === -1 ? '' : raw.url!.slice(mark)
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}

function withoutSlash(path: string): string {
  let end = path.length
  while (end > 1 && path[end - 1] === '/') end--
  return path.slice(0, end)
}

function unchanged(path: string): string {
  return path
}
