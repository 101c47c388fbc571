import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

import { ForeignAnswer } from './foreign-answer.ts'
import { HttpContentTooLarge, HttpNotFound } from './http-error.ts'
import type { Handler, Middleware } from './middleware.ts'
import { RequestAborted } from './request-aborted.ts'
import { sendContinue, targetOf } from './request.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'

/** A handler for Node's own server, or a middleware of Connect, Express and their kin. */
export type NodeFunction = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => unknown

/**
 * Makes a handler of one that is written for Node's own server, or of an application of Express, Connect or Koa. What
 * it writes to `response` goes the way of any other answer: middlewares and prepare hooks see it, its body is streamed
 * with back-pressure. What it throws before it has answered, or passes to `next`, is thrown into the onion; `next()`
 * without an error is a 404.
 *
 * The request's body is counted against the body limit of the route, and a client that waits for `100 Continue` gets
 * it before the handler runs.
 *
 * @example
 * ```ts
 * import { Application, nodeHandler } from '@allium/core'
 *
 * const app = new Application()
 * app.get('/legacy', nodeHandler((request, response) => response.end(`you asked for ${request.url}`)))
 * ```
 */
export function nodeHandler(handle: NodeFunction): Handler {
  return async request => {
    const answer = await run(handle, request, new ForeignAnswer(request.raw))
    if (answer === 'next') throw new HttpNotFound()
    return answer
  }
}

/**
 * Makes a middleware of one of Connect, Express and their kin. Header fields that it sets before it calls `next` are on
 * the answer, unless that has them itself; when it answers by itself, the layers within do not run; an error that it
 * passes to `next` is thrown.
 *
 * @example
 * ```ts
 * import { Application, nodeMiddleware, text } from '@allium/core'
 *
 * const app = new Application()
 * app.use(
 *   nodeMiddleware((request, response, next) => {
 *     response.setHeader('x-frame-options', 'DENY')
 *     next()
 *   }),
 * )
 * app.get('/', () => text('framed by nobody'))
 * ```
 */
export function nodeMiddleware(middleware: NodeFunction): Middleware {
  return async (request, next) => {
    const foreign = new ForeignAnswer(request.raw)
    const answer = await run(middleware, request, foreign)
    if (answer !== 'next') return answer
    const response = await next(request)
    for (const [name, value] of foreign.fields) {
      if (name === 'set-cookie') response.headers.append(name, value)
      else if (!response.headers.has(name)) response.headers.set(name, value)
    }
    return response
  }
}

/** Runs a foreign handler; settles with its answer, or when it hands on. */
async function run(
  handle: NodeFunction,
  request: Request,
  foreign: ForeignAnswer,
): Promise<Response | 'next'> {
  const limit = targetOf(request)!.bodyLimit
  if ((request.contentLength ?? 0) > limit) throw new HttpContentTooLarge(limit)
  if (request.headers.has('expect')) sendContinue(request)
  watch(request, foreign, limit)
  const handedOn = new Promise<'next'>((resolve, reject) => {
    const next = (error?: Error) => (error == null ? resolve('next') : reject(error))
    // What a handler throws after its head has left breaks off its body; `reject` comes too late to matter then.
    new Promise(settle =>
      settle(handle(request.raw, foreign.target, next as (error?: unknown) => void)),
    ).catch((error: Error) => {
      foreign.fail(error)
      reject(error)
    })
  })
  return Promise.race([foreign.response, handedOn])
}

/** Counts the body that the foreign handler reads by itself (P20), and tells it when the client goes. */
function watch(request: Request, foreign: ForeignAnswer, limit: number): void {
  const { raw, signal } = request
  let received = 0
  raw.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    received += chunk?.length ?? 0
    if (received > limit) {
      Reflect.deleteProperty(raw, 'push')
      raw.removeAllListeners('data').unpipe()
      foreign.fail(new HttpContentTooLarge(limit))
    }
    return Readable.prototype.push.call(raw, chunk, encoding)
  }
  signal.addEventListener('abort', () => {
    const reason: unknown = signal.reason
    if (reason instanceof RequestAborted && reason.abortCause === 'client gone') foreign.fail(reason)
  })
}
