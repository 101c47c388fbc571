import { symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { Application, file } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { appWith } from './digits-file.ts'

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
