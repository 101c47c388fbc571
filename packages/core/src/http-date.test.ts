import fc from 'fast-check'
import t from 'tap'

import { parseHttpDate, serializeHttpDate } from './http-date.ts'

const MOMENT = Date.UTC(1994, 10, 6, 8, 49, 37)
const NOW = new Date('2026-06-01')

t.test('a date is written to the second, in GMT (RFC 9110 §5.6.7)', async t => {
  t.equal(serializeHttpDate(new Date(MOMENT + 999)), 'Sun, 06 Nov 1994 08:49:37 GMT')
})

t.test('what is no date, or has a year of five digits, is not written', async t => {
  t.throws(() => serializeHttpDate(new Date(NaN)), RangeError)
  t.throws(() => serializeHttpDate(new Date(Date.UTC(10_000, 0))), RangeError)
  t.throws(() => serializeHttpDate(new Date(-1e15)), RangeError)
})

t.test('today and obsolete forms are read', async t => {
  const table: [string, number][] = [
    ['Sun, 06 Nov 1994 08:49:37 GMT', MOMENT],
    ['Sunday, 06-Nov-94 08:49:37 GMT', MOMENT],
    ['Sun Nov  6 08:49:37 1994', MOMENT],
    ['Sun Nov 06 08:49:37 1994', MOMENT],
    ['Thursday, 01-Jan-76 00:00:00 GMT', Date.UTC(2076, 0)],
    ['Thursday, 01-Jan-77 00:00:00 GMT', Date.UTC(1977, 0)],
    ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0)],
    ['Sat, 29 Feb 2020 00:00:00 GMT', Date.UTC(2020, 1, 29)],
    ['Mon, 29 Feb 0096 00:00:00 GMT', new Date('0096-02-29').getTime()],
  ]
  for (const [text, time] of table) t.equal(parseHttpDate(text, NOW)?.getTime(), time, text)
})

t.test('anything else is no date', async t => {
  const texts = [
    '',
    '0',
    '1994-11-06T08:49:37Z',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 6 Nov 1994 08:49:37 GMT',
  ]
  texts.push('Sun, 06 Nov 1994 08:49:37 UTC', 'Sun, 06 Nov 1994 08:49:37 GMT ', 'Sun, 06 Nov 94 08:49:37 GMT')
  texts.push(
    'Wed, 30 Feb 2020 00:00:00 GMT',
    'Sun, 29 Feb 2021 00:00:00 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
  )
  texts.push(
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 06 Nov 1994 08:00:61 GMT',
  )
  texts.push('Sun, ٠٦ Nov 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT')
  for (const text of texts) t.equal(parseHttpDate(text), undefined, text)
})

t.test('what was written is read', async () => {
  const moments = fc.date({ min: new Date(-62e12), max: new Date(253e12), noInvalidDate: true })
  fc.assert(
    fc.property(moments, date => {
      const seconds = Math.floor(date.getTime() / 1000)
      return parseHttpDate(serializeHttpDate(date))?.getTime() === seconds * 1000
    }),
  )
})
