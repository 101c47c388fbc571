import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { Application, createLogger, DeferredResponse, file, FileResponse, Response, text } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { appWith, CHANGED_FIELD, digits } from './digits-file.ts'
import { untilClosed } from './open-files.ts'
import { overEachTransport } from './transports.ts'

function fieldsOf(headers: Iterable<readonly [string, string]>): [string, string][] {
  return [...headers].filter(([name]) => name !== 'date').map(([name, value]) => [name, value])
}

/** Bytes of which no two pieces of a power of two in length are alike. */
function numbers(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => i % 251))
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
    const bytes = numbers(1_000_003)
    const dir = t.testdir({ 'large.bin': bytes })
    const client = await testClient(t, appWith(join(dir, 'large.bin')), { transport })

    const received = await (await client.get('/')).bytes()

    t.ok(bytes.equals(received))
    t.ok(await untilClosed(dir))
  })

  t.test('arrives whole however slowly it is read, while another reads it fast', async t => {
    const bytes = numbers(16 * 1024 * 1024 + 7)
    const dir = t.testdir({ 'large.bin': bytes })
    const client = await testClient(t, appWith(join(dir, 'large.bin')), { transport })
    const slow = client.connect()
    slow.raw.pause()
    await slow.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')

    const fast = await (await client.get('/')).bytes()
    slow.raw.resume()
    const received = Buffer.from(await slow.receive(), 'latin1')

    t.ok(bytes.equals(fast))
    t.ok(bytes.equals(received.subarray(received.indexOf('\r\n\r\n') + 4)))
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

t.test('one FileResponse answers any number of requests', async t => {
  const response = new FileResponse(pathToFileURL(digits(t.testdir({}))))
  const app = new Application()
  app.get('/', () => response)
  const client = await testClient(t, app)

  t.ok(response instanceof DeferredResponse)
  t.equal(await (await client.get('/')).text(), '0123456789')
  t.equal(await (await client.get('/')).text(), '0123456789')
})
