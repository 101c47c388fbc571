import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { Application, createLogger, DeferredResponse, file, FileResponse, Response, text } from '@allium/core'
import type { FileOptions } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const CHANGED = new Date('2026-01-02T03:04:05.678Z')
const CHANGED_FIELD = 'Fri, 02 Jan 2026 03:04:05 GMT'

/** A file of ten bytes, `0123456789`, of a known date. */
function digits(dir: string, name = 'digits.txt'): string {
  const path = join(dir, name)
  writeFileSync(path, '0123456789')
  utimesSync(path, CHANGED, CHANGED)
  return path
}

function appWith(path: string, options?: FileOptions): Application {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.get('/', () => file(path, options))
  return app
}

/** How many descriptors of this process lead below the directory; Linux tells. */
function openBelow(dir: string): number {
  if (!existsSync('/proc/self/fd')) return 0
  const targets = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // that of the listing itself
    }
  })
  return targets.filter(target => target.startsWith(dir)).length
}

/** Closing happens behind the answer. */
async function untilClosed(dir: string): Promise<boolean> {
  for (let turn = 0; turn < 200; turn++) {
    if (openBelow(dir) === 0) return true
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return false
}

overEachTransport('a file', (t, transport) => {
  t.test('is sent with its length, type and validators', async t => {
    const client = await testClient(t, appWith(digits(t.testdir({}))), { transport })

    const response = await client.get('/')

    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
    t.equal(response.headers.get('content-length'), '10')
    t.match(response.headers.get('etag'), /^"[0-9a-f]+-a"$/)
    t.equal(response.headers.get('last-modified'), CHANGED_FIELD)
    t.equal(response.headers.get('accept-ranges'), 'bytes')
    t.equal(response.headers.get('x-content-type-options'), 'nosniff')
    t.equal(response.headers.get('cache-control'), null)
    t.equal(response.headers.get('vary'), null)
    t.equal(await response.text(), '0123456789')
  })

  t.test('answers HEAD as GET, without the bytes; a range does not count there (RFC 9110 §14.2)', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })

    const got = await client.get('/')
    const head = await client.head('/', { headers: { range: 'bytes=0-1' } })

    t.equal(head.status, 200)
    t.strictSame(fieldsOf(head.headers), fieldsOf(got.headers))
    await got.bytes()
    t.ok(await untilClosed(dir))
  })

  t.test('may be empty', async t => {
    const dir = t.testdir({ 'empty.bin': '' })
    const client = await testClient(t, appWith(join(dir, 'empty.bin')), { transport })

    const response = await client.get('/')

    t.equal(response.headers.get('content-length'), '0')
    t.equal((await response.bytes()).length, 0)
    t.equal((await client.get('/', { headers: { range: 'bytes=0-' } })).status, 416)
    t.equal((await client.get('/', { headers: { range: 'bytes=-5' } })).status, 200)
    t.ok(await untilClosed(dir))
  })

  t.test('is sent in chunks and arrives whole', async t => {
    const bytes = Buffer.from(Uint8Array.from({ length: 1_000_003 }, (_, i) => i % 251))
    const dir = t.testdir({ 'large.bin': bytes })
    const client = await testClient(t, appWith(join(dir, 'large.bin')), { transport })

    const received = await (await client.get('/')).bytes()

    t.ok(bytes.equals(received))
    t.ok(await untilClosed(dir))
  })

  t.test('is 304 for who has it, with what caches need and nothing else', async t => {
    const dir = t.testdir({})
    const options = { maxAge: 60, download: true, precompressed: true, headers: { 'x-own': '1' } }
    const client = await testClient(t, appWith(digits(dir), options), { transport })
    const etag = (await client.head('/')).headers.get('etag')!

    const response = await client.get('/', { headers: { 'if-none-match': `"other", W/${etag}` } })

    t.equal(response.status, 304)
    const { date: _, connection: __, 'keep-alive': ___, ...fields } = Object.fromEntries(response.headers)
    t.strictSame(fields, {
      'cache-control': 'max-age=60',
      etag,
      'last-modified': CHANGED_FIELD,
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
      'x-own': '1',
    })
    t.equal((await client.get('/', { headers: { 'if-modified-since': CHANGED_FIELD } })).status, 304)
    t.ok(await untilClosed(dir))
  })

  t.test('is 412 where a precondition does not hold', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })

    t.equal((await client.get('/', { headers: { 'if-match': '"other"' } })).status, 412)
    const headers = { 'if-unmodified-since': 'Fri, 02 Jan 2026 03:04:04 GMT' }
    t.equal((await client.get('/', { headers })).status, 412)
    t.ok(await untilClosed(dir))
  })

  t.test('gives one range as it is (RFC 9110 §15.3.7)', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })
    const table: [string, string, string][] = [
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-2', '89', 'bytes 8-9/10'],
      ['bytes=9-99', '9', 'bytes 9-9/10'],
      ['bytes=4-5,40-50', '45', 'bytes 4-5/10'],
    ]

    for (const [range, body, contentRange] of table) {
      const response = await client.get('/', { headers: { range } })
      t.equal(response.status, 206)
      t.equal(response.headers.get('content-range'), contentRange)
      t.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
      t.equal(response.headers.get('content-length'), String(body.length))
      t.equal(await response.text(), body)
    }
    t.ok(await untilClosed(dir))
  })

  t.test('gives several ranges as multipart/byteranges (RFC 9110 §14.6)', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })

    const response = await client.get('/', { headers: { range: 'bytes=8-9, 0-0' } })

    t.equal(response.status, 206)
    t.equal(response.headers.get('content-range'), null)
    const [, boundary] = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(
      response.headers.get('content-type')!,
    )!
    const type = 'content-type: text/plain; charset=utf-8'
    const parts = [
      `${type}\r\ncontent-range: bytes 8-9/10\r\n\r\n89`,
      `${type}\r\ncontent-range: bytes 0-0/10\r\n\r\n0`,
    ]
    t.equal(
      await response.text(),
      `\r\n--${boundary}\r\n${parts.join(`\r\n--${boundary}\r\n`)}\r\n--${boundary}--\r\n`,
    )
    t.ok(await untilClosed(dir))
  })

  t.test('is sent whole for ranges that are malformed, too many, or overlap (P28)', async t => {
    const client = await testClient(t, appWith(digits(t.testdir({}))), { transport })
    const many = `bytes=${Array.from({ length: 17 }, (_, i) => `${i}-${i}`).join()}`

    for (const range of ['bytes=4-2', 'lines=1-2', 'bytes=0-,0-', many]) {
      const response = await client.get('/', { headers: { range } })
      t.equal(response.status, 200, range)
      t.equal(await response.text(), '0123456789')
    }
  })

  t.test('is 416 for ranges that all lie outside, telling its size', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })

    const response = await client.get('/', { headers: { range: 'bytes=10-' } })

    t.equal(response.status, 416)
    t.equal(response.headers.get('content-range'), 'bytes */10')
    t.ok(await untilClosed(dir))
  })

  t.test('gives ranges to who has a part of the same file, else all of it (RFC 9110 §13.1.5)', async t => {
    const client = await testClient(t, appWith(digits(t.testdir({}))), { transport })
    const etag = (await client.head('/')).headers.get('etag')!
    const statusWith = async (ifRange: string) => {
      return (await client.get('/', { headers: { range: 'bytes=0-1', 'if-range': ifRange } })).status
    }

    t.equal(await statusWith(etag), 206)
    t.equal(await statusWith(CHANGED_FIELD), 206)
    t.equal(await statusWith(`W/${etag}`), 200)
    t.equal(await statusWith('"other"'), 200)
    t.equal(await statusWith('Fri, 02 Jan 2026 03:04:04 GMT'), 200)
    t.equal(await statusWith('nonsense'), 200)
  })

  t.test(
    'is looked for inside the onion: middlewares and error pages see that it is missing (P11)',
    async t => {
      const seen: number[] = []
      const app = appWith(join(t.testdir({}), 'none.txt'))
      app.use(async (request, next) => {
        const response = await next(request)
        seen.push(response.status)
        return response
      })
      app.onError(404, () => text('our page', { status: 404 }))
      const client = await testClient(t, app, { transport })

      t.equal(await (await client.get('/')).text(), 'our page')
      t.strictSame(seen, [404])
    },
  )

  t.test('is cut when it shrinks while it is sent (P28)', async t => {
    const dir = t.testdir({ 'large.bin': Buffer.alloc(4 * 1024 * 1024) })
    const path = join(dir, 'large.bin')
    const lines: string[] = []
    const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
    app.get('/', () => file(path))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')
    truncateSync(path, 1000)

    await t.rejects(response.bytes())
    t.ok(await untilClosed(dir))
    t.match(lines.join(''), /truncated/)
  })

  t.test('is closed when the client goes in the middle (P28, P29)', async t => {
    const dir = t.testdir({ 'large.bin': Buffer.alloc(8 * 1024 * 1024) })
    const client = await testClient(t, appWith(join(dir, 'large.bin')), { transport })
    const connection = client.connect()

    await connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.receiveUntil('\r\n\r\n')
    connection.destroy()

    t.ok(await untilClosed(dir))
  })

  t.test('is closed when it is not what is sent after all (P16)', async t => {
    const dir = t.testdir({ 'large.bin': Buffer.alloc(1024 * 1024) })
    const app = appWith(join(dir, 'large.bin'))
    app.use(async (request, next) => {
      const response = await next(request)
      const how = request.query.get('how')
      if (how === 'other') return text('other')
      if (how === 'body') response.body = 'other'
      if (how === 'wrapped') return new Response(response.body)
      if (how === 'throw') throw new Error('after all')
      return response
    })
    const client = await testClient(t, app, { transport })

    for (const how of ['other', 'body', 'wrapped', 'throw']) {
      await (await client.get('/', { query: { how } })).bytes()
      t.ok(await untilClosed(dir), how)
    }
  })
})

t.test('nothing is opened that could make the server wait, and all of it is 404 (P26)', async t => {
  const dir = t.testdir({ directory: {}, 'secret.txt': 'x' })
  execFileSync('mkfifo', [join(dir, 'pipe')])
  chmodSync(join(dir, 'secret.txt'), 0)
  symlinkSync(join(dir, 'loop'), join(dir, 'loop'))
  const app = new Application()
  const paths = ['missing', 'directory', 'pipe', 'loop', 'directory/x/y', 'n'.repeat(300), 'a\0b']
  if (process.getuid?.() !== 0) paths.push('secret.txt')
  app.get('/device', () => file('/dev/zero'))
  app.get('/:index', ({ params }) => file(`${dir}/${paths[Number(params.index)]}`))
  const client = await testClient(t, app)

  const bodies = new Set<string>()
  for (const path of ['device', ...paths.keys()]) {
    const response = await client.get(`/${path}`)
    t.equal(response.status, 404, String(path))
    t.equal(response.headers.get('x-content-type-options'), 'nosniff')
    bodies.add(await response.text())
  }
  t.equal(bodies.size, 1)
})

t.test('a failure of the server is no 404', async t => {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.get('/', () => file('x', { root: '/nonexistent-root' }))
  const client = await testClient(t, app)

  t.equal((await client.get('/')).status, 500)
})

t.test('a path below a root never leads out of it (P26)', async t => {
  const dir = t.testdir({
    'secret.txt': 'secret',
    root: { 'a.txt': 'A', sub: { 'b.txt': 'B' }, '.env': 'secret' },
  })
  symlinkSync(join(dir, 'secret.txt'), join(dir, 'root', 'out.txt'))
  symlinkSync(dir, join(dir, 'root', 'up'))
  symlinkSync('a.txt', join(dir, 'root', 'in.txt'))
  const app = new Application()
  app.get('/', ({ query }) => file(query.get('path')!, { root: pathToFileURL(join(dir, 'root')) }))
  const client = await testClient(t, app)
  const statusOf = async (path: string) => (await client.get('/', { query: { path } })).status

  for (const path of ['a.txt', 'sub/b.txt', 'in.txt']) t.equal(await statusOf(path), 200, path)
  const outside = [
    '../secret.txt',
    'sub/../../secret.txt',
    join(dir, 'secret.txt'),
    'out.txt',
    'up/secret.txt',
  ]
  outside.push(
    'sub\\..\\..\\secret.txt',
    '.env',
    '',
    '.',
    'sub',
    'sub/',
    '/a.txt',
    'a.txt/',
    './a.txt',
    'a.txt\0',
  )
  for (const path of outside) t.equal(await statusOf(path), 404, JSON.stringify(path))
})

t.test('a root may be the root of the file system', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'allium-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const client = await testClient(t, appWith(digits(dir).slice(1), { root: '/' }))

  t.equal((await client.get('/')).status, 200)
})

t.test('options decide status, type, caching and name', async t => {
  const path = digits(t.testdir({}))
  const table: [FileOptions, Record<string, string | null>][] = [
    [{ contentType: 'text/csv' }, { 'content-type': 'text/csv' }],
    [
      { headers: { 'content-type': 'text/csv', etag: '"x"', 'last-modified': CHANGED_FIELD } },
      { 'content-type': 'text/csv', etag: '"x"' },
    ],
    [{ maxAge: 60 }, { 'cache-control': 'max-age=60' }],
    [{ immutable: true }, { 'cache-control': 'max-age=31536000, immutable' }],
    [{ immutable: true, maxAge: 60 }, { 'cache-control': 'max-age=60, immutable' }],
    [{ cacheControl: 'no-store' }, { 'cache-control': 'no-store' }],
    [
      { etag: false, lastModified: false },
      { etag: null, 'last-modified': null },
    ],
    [
      { etag: '"v1"', lastModified: new Date(0) },
      { etag: '"v1"', 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT' },
    ],
    [{ download: true }, { 'content-disposition': 'attachment; filename="digits.txt"' }],
    [{ filename: 'ten.txt' }, { 'content-disposition': 'inline; filename="ten.txt"' }],
    [
      { download: true, filename: 'é' },
      { 'content-disposition': `attachment; filename="_"; filename*=UTF-8''%C3%A9` },
    ],
    [{ headers: { 'x-content-type-options': 'off' } }, { 'x-content-type-options': 'off' }],
  ]
  for (const [options, fields] of table) {
    const client = await testClient(t, appWith(path, options))
    const { headers } = await client.get('/')
    for (const [name, value] of Object.entries(fields))
      t.equal(headers.get(name), value, JSON.stringify(options))
  }
})

t.test('a header of the options counts as validator', async t => {
  const path = digits(t.testdir({}))
  const client = await testClient(t, appWith(path, { headers: { etag: '"x"' } }))

  t.equal((await client.get('/', { headers: { 'if-none-match': '"x"' } })).status, 304)
})

t.test('with another status conditions and ranges do not count (RFC 9110 §13.2.1)', async t => {
  const path = digits(t.testdir({}))
  const client = await testClient(t, appWith(path, { status: 203 }))

  const response = await client.get('/', { headers: { range: 'bytes=0-1', 'if-none-match': '*' } })

  t.equal(response.status, 203)
  t.equal(response.headers.get('accept-ranges'), null)
  t.equal(await response.text(), '0123456789')
})

t.test('an error page may be a file', async t => {
  const dir = t.testdir({ '404.html': '<h1>Lost</h1>' })
  const app = new Application()
  app.onError(404, () => file(join(dir, '404.html'), { status: 404 }))
  const client = await testClient(t, app)

  const response = await client.get('/nowhere')

  t.equal(response.status, 404)
  t.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(await response.text(), '<h1>Lost</h1>')
})

t.test('an error page that is missing is the built-in one, and the log tells', async t => {
  const lines: string[] = []
  const app = new Application({ logger: createLogger('error', line => lines.push(line)) })
  app.onError(404, () => file('/nonexistent.html', { status: 404 }))
  const client = await testClient(t, app)

  t.equal((await client.get('/nowhere')).status, 404)
  t.match(lines.join(''), /An error handler failed/)
})

t.test('a date in the future is not sent: caches reckon from now (RFC 9110 §8.8.2.1)', async t => {
  const path = digits(t.testdir({}))
  utimesSync(path, new Date('2999-01-01'), new Date('2999-01-01'))
  const client = await testClient(t, appWith(path))

  const field = (await client.get('/')).headers.get('last-modified')!

  t.ok(Date.parse(field) <= Date.now())
})

t.test('one FileResponse answers any number of requests', async t => {
  const response = new FileResponse(pathToFileURL(digits(t.testdir({}))))
  const app = new Application()
  app.get('/', () => response)
  const client = await testClient(t, app)

  t.ok(response instanceof DeferredResponse)
  t.equal(await (await client.get('/')).text(), '0123456789')
  t.equal(await (await client.get('/')).text(), '0123456789')
})

t.test('options that cannot be kept are refused at once', async t => {
  t.throws(() => file('a', { maxAge: 1, cacheControl: 'no-store' }), /cacheControl contradicts maxAge/)
  t.throws(() => file('a', { immutable: true, cacheControl: 'no-store' }), TypeError)
  for (const maxAge of [-1, 1.5, NaN, Infinity]) t.throws(() => file('a', { maxAge }), RangeError)
  t.throws(() => file('a', { etag: 'v1' }), /double quotes/)
  t.throws(() => file('a', { lastModified: new Date(NaN) }), RangeError)
  t.throws(() => file('a', { filename: 'a\r\nb' }), /file name/)
  t.throws(() => file('a', { headers: { 'x-a': 'a\r\nb' } }), TypeError)
  t.throws(() => file(new URL('https://a/')), TypeError)
  t.throws(() => file(new URL('file:///a'), { root: '/' }), /below a root/)
})

t.test('a compressed sibling is sent to who accepts it, as a representation of its own', async t => {
  const dir = t.testdir({ 'a.css': 'plain', 'a.css.br': 'br', 'a.css.zst': 'zst', 'a.css.gz': 'gzip' })
  const client = await testClient(t, appWith(join(dir, 'a.css'), { precompressed: true }))
  const table: [string | undefined, string | null, string][] = [
    ['gzip, deflate, br, zstd', 'br', 'br'],
    ['zstd, gzip', 'zstd', 'zst'],
    ['gzip', 'gzip', 'gzip'],
    ['gzip, br;q=0.5', 'gzip', 'gzip'],
    ['*', 'br', 'br'],
    ['br;q=0, deflate', null, 'plain'],
    ['identity, br;q=0.5', null, 'plain'],
    ['*;q=0', null, 'plain'],
    ['', null, 'plain'],
    [undefined, null, 'plain'],
  ]

  const etags = new Set<string>()
  for (const [accept, coding, body] of table) {
    const response = await client.get('/', {
      headers: accept === undefined ? {} : { 'accept-encoding': accept },
    })
    t.equal(response.headers.get('content-encoding'), coding, String(accept))
    t.equal(response.headers.get('content-type'), 'text/css; charset=utf-8')
    t.equal(response.headers.get('vary'), 'Accept-Encoding')
    t.equal(await response.text(), body)
    etags.add(response.headers.get('etag')!)
  }
  t.equal(etags.size, 4)
})

t.test('a missing sibling leaves the next best', async t => {
  const dir = t.testdir({ 'a.css': 'plain', 'a.css.gz': 'gzip' })
  const app = appWith(join(dir, 'a.css'), { precompressed: true, etag: '"v1"' })
  const client = await testClient(t, app)

  const compressed = await client.get('/', { headers: { 'accept-encoding': 'br, gzip' } })
  const plain = await client.get('/', { headers: { 'accept-encoding': 'br' } })

  t.equal(await compressed.text(), 'gzip')
  t.equal(compressed.headers.get('etag'), '"v1-gzip"')
  t.equal(await plain.text(), 'plain')
  t.equal(plain.headers.get('etag'), '"v1"')
})

t.test('ranges are those of the compressed bytes, and conditions those of their tag', async t => {
  const dir = t.testdir({ 'a.css': 'plain', 'a.css.gz': 'gzip' })
  const client = await testClient(t, appWith(join(dir, 'a.css'), { precompressed: true }))
  const etag = (await client.get('/')).headers.get('etag')!
  const accepting = { 'accept-encoding': 'gzip' }

  const part = await client.get('/', { headers: { ...accepting, range: 'bytes=1-2' } })
  const other = await client.get('/', { headers: { ...accepting, 'if-none-match': etag } })

  t.equal(part.status, 206)
  t.equal(part.headers.get('content-encoding'), 'gzip')
  t.equal(await part.text(), 'zi')
  t.equal(other.status, 200)
})

t.test('a sibling that is a symlink, or without its file, is not sent (P26)', async t => {
  const dir = t.testdir({ 'a.css': 'plain', 'secret.txt': 'secret', 'b.css.gz': 'gzip', 'a.css.gz': {} })
  symlinkSync('secret.txt', join(dir, 'a.css.br'))
  const app = new Application()
  app.get('/:name', ({ params }) => file(params.name, { root: dir, precompressed: true }))
  const client = await testClient(t, app, { headers: { 'accept-encoding': 'br, gzip' } })

  t.equal(await (await client.get('/a.css')).text(), 'plain')
  t.equal((await client.get('/b.css')).status, 404)
})

function fieldsOf(headers: Iterable<readonly [string, string]>): [string, string][] {
  return [...headers].filter(([name]) => name !== 'date').map(([name, value]) => [name, value])
}
