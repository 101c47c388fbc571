import { once } from 'node:events'

import {
  Application,
  empty,
  HttpConflict,
  json,
  redirect,
  Response,
  StreamResponse,
  text,
} from '@allium/core'

import { echo } from './socket-response.ts'

async function* pieces(count: number, size: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n++) yield Buffer.alloc(size, String(n % 10))
}

/** Every way to answer; `seen` holds what the application has seen of clients that left. */
export function createApp(): { app: Application; seen: string[] } {
  const seen: string[] = []
  const app = new Application({ bodyLimit: 8 * 1024 * 1024 })
  app.logger.error = () => undefined // errors are part of what is tried
  app.get('/text', () => text('hello'))
  app.any('/any', ({ method }) => text(method))
  app.get('/json', () => json({ a: [1, 2, 3], b: 'ü' }))
  app.get('/empty', () => empty())
  app.get('/not-modified', () => empty(304, { headers: { etag: '"1"' } }))
  app.get('/redirect', () => redirect('/text', 303))
  app.get('/conflict', () => {
    throw new HttpConflict()
  })
  app.get('/broken', () => {
    throw new Error('broken')
  })
  app.get('/stream', () => new Response(pieces(5, 1000)))
  app.get('/known-length', () => new Response(pieces(5, 1000), { headers: { 'content-length': '5000' } }))
  app.get('/large', () => new Response(Buffer.alloc(3 * 1024 * 1024, 'x')))
  app.get('/large-stream', () => new Response(pieces(100, 50_000)))
  app.get('/twice', () => {
    const headers = [
      ['x-twice', 'a'],
      ['x-twice', 'b'],
    ] as const
    return text('', { headers })
  })
  app.get('/cookies', () => {
    const response = text('')
    response.cookies.set('a', '1')
    response.cookies.set('b', '2')
    return response
  })
  app.get('/trailers', async request => {
    const response = new StreamResponse()
    response.trailers.set('x-sum', '42')
    await response.prepare(request)
    await response.write('body')
    return response
  })
  app.get('/hints', request => {
    request.sendEarlyHints({ link: '</a.css>; rel=preload' })
    return text('hinted')
  })
  app.post('/echo', async request => new Response(await request.bytes()))
  app.post('/pipe', request => new Response(request.body))
  app.post('/unread', () => text('not read'))
  app.post('/no-body-wanted', () => {
    throw new HttpConflict()
  })
  app.get('/cut', request => {
    request.raw.socket.destroy()
    return empty()
  })
  app.get('/cut-in-body', () => {
    async function* some() {
      yield 'begun'
      await new Promise(resolve => setTimeout(resolve, 20))
      throw new Error('cut')
    }
    return new Response(some())
  })
  app.get('/hang', async request => {
    if (!request.signal.aborted) await once(request.signal, 'abort')
    seen.push(`hang: ${(request.signal.reason as { abortCause: string }).abortCause}`)
    return empty()
  })
  app.get('/drip', request => {
    async function* drip() {
      try {
        for (;;) {
          yield 'x'.repeat(1000)
          await new Promise(resolve => setTimeout(resolve, 1))
        }
      } finally {
        seen.push(`drip: ${(request.signal.reason as { abortCause: string } | undefined)?.abortCause}`)
      }
    }
    return new Response(drip())
  })
  app.post('/hang-in-body', async request => {
    await request.text().catch((error: unknown) => seen.push(`body: ${(error as Error).name}`))
    return empty()
  })
  app.get('/slow', async () => {
    await new Promise(resolve => setTimeout(resolve, 20))
    return text('slow')
  })
  app.get('/socket', echo)
  return { app, seen }
}
