import {
  Application,
  createLogger,
  empty,
  file,
  html,
  json,
  Response,
  StreamResponse,
  text,
} from '@allium/core'
import type { Handler } from '@allium/core'
import { compression, uncompressed } from '@allium/core/middlewares'
import type { CompressionOptions } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import type { TestResponse } from '@allium/testing'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

const hasZstd = 'createZstdCompress' in zlib
const long = 'All work and no play makes Jack a dull boy. '.repeat(100)
const every = 'gzip, deflate, br, zstd'

function createApp(handlers: Readonly<Record<string, Handler>>, options?: CompressionOptions): Application {
  const app = new Application({
    logger: createLogger('error', () => {}),
    middlewares: [compression(options)],
  })
  for (const [path, handler] of Object.entries(handlers)) app.get(path, handler)
  return app
}

async function decode(response: TestResponse): Promise<string> {
  const bytes = await response.bytes()
  switch (response.headers.get('content-encoding')) {
    case 'gzip':
      return zlib.gunzipSync(bytes).toString()
    case 'br':
      return zlib.brotliDecompressSync(bytes).toString()
    case 'zstd':
      return (zlib as unknown as { zstdDecompressSync(bytes: Uint8Array): Buffer })
        .zstdDecompressSync(bytes)
        .toString()
    default:
      return Buffer.from(bytes).toString()
  }
}

async function* pieces(...list: string[]): AsyncGenerator<string> {
  yield* list
}

overEachTransport('compression', (t, transport) => {
  t.test('takes the coding that the client likes best, for text and for streams', async t => {
    const app = createApp({
      '/whole': () => text(long),
      '/stream': () => new Response(pieces(long, long), { headers: { 'content-type': 'text/plain' } }),
    })
    const client = await testClient(t, app, { transport })

    for (const [accept, coding] of [
      [undefined, null],
      ['', null],
      ['identity', null],
      ['deflate', null],
      ['*;q=0', null],
      ['gzip;q=0', null],
      ['gzip', 'gzip'],
      ['gzip;q=1, br;q=0.5', 'gzip'],
      ['gzip, deflate, br', 'br'],
      [every, 'br'],
      ['zstd, gzip', hasZstd ? 'zstd' : 'gzip'],
    ]) {
      for (const path of ['/whole', '/stream']) {
        const response = await client.get(path, { headers: { 'accept-encoding': accept! } })
        t.equal(response.headers.get('content-encoding'), coding!, `${path} ${accept}`)
        t.equal(response.headers.get('vary'), 'Accept-Encoding')
        t.equal(await decode(response), path === '/whole' ? long : long + long)
      }
    }
  })

  t.test('tells the length that it sends, to HEAD as to GET (P16)', async t => {
    const app = createApp({
      '/whole': () => html(long),
      '/stream': () => new Response(new Blob([long], { type: 'text/plain' })),
      '/bytes': () =>
        new Response(Buffer.from(long), { headers: { 'content-type': 'text/css', 'content-length': '5' } }),
    })
    const client = await testClient(t, app, { transport, headers: { 'accept-encoding': 'br' } })

    for (const path of ['/whole', '/stream', '/bytes']) {
      const get = await client.get(path)
      const head = await client.request('HEAD', path)
      for (const name of ['content-length', 'content-encoding', 'content-type', 'vary']) {
        t.equal(head.headers.get(name), get.headers.get(name), `${path} ${name}`)
      }
      const length = get.headers.get('content-length')
      t.equal(length, path === '/stream' ? null : String((await get.bytes()).byteLength))
    }
  })

  t.test('leaves alone what must not, or need not, be compressed', async t => {
    const wasm = { 'content-type': 'image/png' }
    const app = createApp({
      '/empty': () => new Response(null, { headers: { 'content-type': 'text/plain' } }),
      '/small': () => text('x'.repeat(1023)),
      '/declared': () => new Response(new Blob(['x'.repeat(1023)], { type: 'text/plain' })),
      '/image': () => new Response(Buffer.from(long), { headers: wasm }),
      '/bytes': () => new Response(Buffer.from(long)),
      '/untyped': () => {
        const response = text(long)
        response.headers.delete('content-type')
        return response
      },
      '/coded': () => text(long, { headers: { 'content-encoding': 'x-own' } }),
      '/fixed': () => text(long, { headers: { 'cache-control': 'public, No-Transform ,max-age=1' } }),
      '/digest': () => text(long, { headers: { 'content-digest': 'sha-256=:x:' } }),
      '/range': () => text(long, { status: 206, headers: { 'content-range': 'bytes 0-3/4' } }),
      '/noise': () => new Response(noise(), { headers: { 'content-type': 'text/plain' } }),
    })
    app.get('/secret', () => text(long), { meta: [uncompressed] })
    const client = await testClient(t, app, { transport, headers: { 'accept-encoding': every } })
    const varying = ['/small', '/declared', '/range', '/noise']

    for (const path of [
      '/empty',
      '/small',
      '/declared',
      '/image',
      '/bytes',
      '/untyped',
      '/coded',
      '/fixed',
      '/digest',
      '/range',
      '/noise',
      '/secret',
    ]) {
      const response = await client.get(path)
      t.equal(response.headers.get('content-encoding'), path === '/coded' ? 'x-own' : null, path)
      t.equal(response.headers.get('vary'), varying.includes(path) ? 'Accept-Encoding' : null, path)
    }
    t.equal((await client.get('/missing')).headers.get('content-encoding'), null)
  })

  t.test('compresses 1024 bytes of these types', async t => {
    const types = [
      'text/html; charset=utf-8',
      'TEXT/CSV',
      'application/json',
      'application/ld+json;a=b',
      'image/svg+xml',
      'application/javascript',
      'application/wasm',
      'font/ttf',
      'text/event-stream',
    ]
    const app = createApp({
      '/': ({ query }) => text('x'.repeat(1024), { headers: { 'content-type': query.get('type')! } }),
    })
    const client = await testClient(t, app, { transport, headers: { 'accept-encoding': 'gzip' } })

    for (const type of types) {
      t.equal((await client.get('/', { query: { type } })).headers.get('content-encoding'), 'gzip', type)
    }
    for (const type of [
      'font/woff2',
      'application/zip',
      'application/jsonx',
      'video/mp4',
      'image/+jsonp',
      'application/x+json/x',
    ]) {
      t.equal((await client.get('/', { query: { type } })).headers.get('content-encoding'), null, type)
    }
  })

  t.test('makes strong validators weak, in a 304 too, and offers no ranges', async t => {
    const app = createApp({
      '/': ({ headers }) => {
        const init = { headers: { etag: '"v1"', 'accept-ranges': 'bytes' } }
        return headers.has('if-none-match') ? empty(304, init) : text(long, init)
      },
      '/weak': () => text(long, { headers: { etag: 'W/"v1"' } }),
    })
    const client = await testClient(t, app, { transport })
    const etag = async (path: string, headers: Record<string, string>) =>
      (await client.get(path, { headers })).headers.get('etag')
    const accepting = { 'accept-encoding': 'gzip' }

    t.equal(await etag('/', {}), '"v1"')
    t.equal(await etag('/', accepting), 'W/"v1"')
    t.equal(await etag('/weak', accepting), 'W/"v1"')
    t.equal(await etag('/', { 'if-none-match': '"v0", W/"v1"' }), 'W/"v1"')
    t.equal(await etag('/', { 'if-none-match': '"v1"' }), '"v1"')
    const notModified = await client.get('/', { headers: { 'if-none-match': '"v1"' } })
    t.equal(`${notModified.status} ${notModified.headers.get('vary')}`, '304 Accept-Encoding')
    t.equal((await client.get('/')).headers.get('accept-ranges'), 'bytes')
    t.equal((await client.get('/', { headers: accepting })).headers.get('accept-ranges'), null)
  })

  t.test('compresses files, answers for the copy that a client has, and leaves ranges', async t => {
    const path = join(t.testdir({ 'a.txt': long }), 'a.txt')
    const client = await testClient(t, createApp({ '/': () => file(path) }), { transport })
    const get = (headers: Record<string, string>) =>
      client.get('/', { headers: { 'accept-encoding': 'gzip', ...headers } })

    const response = await get({})
    const etag = response.headers.get('etag')!
    t.equal(await decode(response), long)
    t.equal(response.headers.get('content-encoding'), 'gzip')
    t.match(etag, /^W\/"/)

    const notModified = await get({ 'if-none-match': etag })
    t.equal(`${notModified.status} ${notModified.headers.get('etag')}`, `304 ${etag}`)
    const range = await get({ range: 'bytes=0-2' })
    t.equal(`${range.status} ${await range.text()}`, '206 All')
    t.equal((await get({ range: 'bytes=0-2', 'if-range': etag })).status, 200)
  })

  for (const coding of ['br', 'gzip', ...(hasZstd ? ['zstd'] : [])]) {
    t.test(`sends each event at once, by ${coding}`, async t => {
      let goOn!: () => void
      const app = createApp({
        '/': () =>
          new Response(
            (async function* () {
              yield 'data: first\n\n'
              await new Promise<void>(resolve => (goOn = resolve))
              yield 'data: second\n\n'
            })(),
            { headers: { 'content-type': 'text/event-stream' } },
          ),
      })
      const client = await testClient(t, app, { transport, headers: { 'accept-encoding': coding } })
      const response = await client.get('/')
      const events = response.body.pipe(decoderOf(coding))[Symbol.asyncIterator]()

      t.equal(response.headers.get('content-encoding'), coding)
      t.equal(String((await events.next()).value), 'data: first\n\n')
      goOn()
      t.equal(String((await events.next()).value), 'data: second\n\n')
      t.ok((await events.next()).done)
    })
  }

  t.test('reads no faster than the client, and closes the source when it goes (P29)', async t => {
    let read = 0
    let closed = false
    const app = createApp({
      '/': () =>
        new Response(
          (async function* () {
            try {
              for (;;) yield noise(64 * 1024, ++read)
            } finally {
              closed = true
            }
          })(),
          { headers: { 'content-type': 'text/plain' } },
        ),
    })
    const client = await testClient(t, app, { transport })
    const response = await client.get('/', { headers: { 'accept-encoding': 'gzip' } })
    let before = -1
    while (read !== before) {
      before = read
      await new Promise(resolve => setTimeout(resolve, 200))
    }

    t.ok(read < 320, `${read} pieces of 64 KiB were read for a client that reads nothing`)
    response.body.destroy()
    while (!closed) await new Promise(resolve => setTimeout(resolve, 5))
    t.ok(closed)
  })

  t.test('cuts the connection when the source fails halfway (P30)', async t => {
    const app = createApp({
      '/late': () =>
        new Response(
          (async function* () {
            yield long
            await new Promise(resolve => setTimeout(resolve, 20))
            throw new Error('broken')
          })(),
          { headers: { 'content-type': 'text/plain' } },
        ),
      '/at-once': () => {
        const source = new Readable({ read: () => source.destroy(new Error('broken')) })
        return new Response(source, { headers: { 'content-type': 'text/plain' } })
      },
    })
    const client = await testClient(t, app, { transport, headers: { 'accept-encoding': 'gzip' } })

    const response = await client.get('/late')
    await t.rejects(response.bytes())
    t.equal((await client.get('/at-once')).status, 500)
  })

  t.test('closes a source that is never read', async t => {
    const sources: Readable[] = []
    const app = new Application()
    app.use(async (request, next) => {
      const response = await next(request)
      return request.query.has('replace') ? text('replaced') : response
    }, compression())
    app.get('/', () => {
      const source = new Readable({ read() {} })
      sources.push(source)
      return new Response(source, { headers: { 'content-type': 'text/plain' } })
    })
    const client = await testClient(t, app, { transport, headers: { 'accept-encoding': 'br' } })

    t.equal(await (await client.get('/?replace')).text(), 'replaced')
    t.equal((await client.request('HEAD', '/')).headers.get('content-encoding'), 'br')
    t.strictSame(
      sources.map(({ destroyed }) => destroyed),
      [true, true],
    )
  })

  t.test('leaves what a handler writes by itself', async t => {
    const app = createApp({
      '/': async request => {
        const stream = new StreamResponse({ headers: { 'content-type': 'text/plain' } })
        await stream.prepare(request)
        await stream.write(long)
        return stream
      },
    })
    const client = await testClient(t, app, { transport, headers: { 'accept-encoding': 'br' } })

    const response = await client.get('/')
    t.equal(response.headers.get('content-encoding'), null)
    t.equal(await response.text(), long)
  })
})

t.test('others are served while a large body is compressed', async t => {
  const answered: string[] = []
  let isMade!: () => void
  const made = new Promise<void>(resolve => (isMade = resolve))
  const app = createApp({
    '/large': () => {
      isMade()
      return text(noise(6_000_000).toString('base64'))
    },
    '/small': () => text('x'),
  })
  const client = await testClient(t, app, { headers: { 'accept-encoding': 'gzip' }, timeout: 20_000 })
  const get = (path: string) => client.get(path).then(() => answered.push(path))

  const large = get('/large')
  await made
  await get('/small')
  await large

  t.strictSame(answered, ['/small', '/large'])
})

t.test('codings, threshold and types are options', async t => {
  const app = createApp(
    { '/': () => text('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'), '/json': () => json([long]) },
    {
      codings: ['gzip', 'br', 'zstd'],
      threshold: 0,
      isCompressible: type => type !== 'application/json; charset=utf-8',
    },
  )
  const client = await testClient(t, app, { headers: { 'accept-encoding': every } })

  t.equal((await client.get('/')).headers.get('content-encoding'), 'gzip')
  t.equal((await client.get('/json')).headers.get('content-encoding'), null)
  t.throws(() => compression({ codings: ['deflate' as never] }), TypeError)
  for (const threshold of [-1, NaN]) t.throws(() => compression({ threshold }), RangeError)
})

/** Bytes that no coding makes fewer. */
function noise(length = 5000, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

function decoderOf(coding: string): Transform {
  if (coding === 'gzip') return zlib.createGunzip()
  if (coding === 'br') return zlib.createBrotliDecompress()
  return (zlib as unknown as { createZstdDecompress(): Transform }).createZstdDecompress()
}
