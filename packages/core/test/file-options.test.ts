import { utimesSync } from 'node:fs'

import { file } from '@allium/core'
import type { FileOptions } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { appWith, CHANGED_FIELD, digits } from './digits-file.ts'

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

t.test('a date in the future is not sent: caches reckon from now (RFC 9110 §8.8.2.1)', async t => {
  const path = digits(t.testdir({}))
  utimesSync(path, new Date('2999-01-01'), new Date('2999-01-01'))
  const client = await testClient(t, appWith(path))

  const field = (await client.get('/')).headers.get('last-modified')!

  t.ok(Date.parse(field) <= Date.now())
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
