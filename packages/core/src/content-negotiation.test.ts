import t from 'tap'

import { preferredEncoding, preferredType } from './content-negotiation.ts'

t.test('the coding is that of highest weight, of equal ones that listed first', async t => {
  const table: [string | null, string | undefined][] = [
    [null, 'identity'],
    ['', 'identity'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip;q=0', 'identity'],
    ['gzip;q=0.001', 'gzip'],
    ['gzip;q=0.5, identity', 'identity'],
    ['deflate', 'identity'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['*;q=0', undefined],
    ['identity;q=0', undefined],
    ['gzip, identity;q=0', 'gzip'],
    ['gzip;q=x', 'identity'],
    ['gzip,,, ;;q=,"', 'gzip'],
    ['__proto__, constructor', 'identity'],
  ]
  for (const [field, coding] of table)
    t.equal(preferredEncoding(field, ['br', 'gzip']), coding, String(field))
})

t.test('the type is that of highest weight, the closest named, the first listed', async t => {
  const table: [string | null, string | undefined][] = [
    [null, 'text/plain'],
    ['*/*', 'text/plain'],
    ['text/*', 'text/plain'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['application/json, text/plain, */*', 'application/json'],
    ['text/html;q=0.1, */*;q=0', 'text/html'],
    ['TEXT/HTML', 'text/html'],
    ['image/png', undefined],
    ['text/html;level=1', undefined],
    ['text', undefined],
    ['*/*;q=x', undefined],
    ['"', undefined],
  ]
  const available = ['text/plain', 'text/html', 'application/json']
  for (const [field, type] of table) t.equal(preferredType(field, available), type, String(field))
})

t.test('a field longer than any real one says nothing', async t => {
  t.equal(preferredEncoding('gzip,'.repeat(205), ['gzip']), 'identity')
  t.equal(preferredType('text/html,'.repeat(103), ['text/plain', 'text/html']), 'text/plain')
})
