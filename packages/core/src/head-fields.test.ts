import t from 'tap'

import { readHeadFields } from './head-fields.ts'

t.test('names count in any case', async t => {
  const fields = readHeadFields(['HOST', 'a.test', 'eXpect', '100-continue', 'upgrade', 'h2c'])
  t.match(fields, { host: 'a.test', expect: '100-continue', hasUpgrade: true })
})

t.test('of several Host fields none counts', async t => {
  t.equal(readHeadFields(['host', 'a.test', 'host', 'a.test']).host, null)
  t.equal(readHeadFields(['host', 'a.test', 'host', 'b.test', 'host', 'c.test']).host, null)
})

t.test('a body is announced by a length that is not 0, or by chunks', async t => {
  t.equal(readHeadFields(['content-length', '0']).hasBody, false)
  t.match(readHeadFields(['content-length', '5']), { hasBody: true, isChunked: false })
  t.match(readHeadFields(['transfer-encoding', 'chunked']), { hasBody: true, isChunked: true })
})

t.test('other fields with names as long say nothing', async t => {
  const names = ['from', 'accept', 'referer', 'accept-charset', 'if-modified-since']
  const fields = readHeadFields(names.flatMap(name => [name, 'a']))
  t.strictSame(fields, {
    host: undefined,
    expect: undefined,
    hasUpgrade: false,
    isChunked: false,
    hasBody: false,
  })
})
