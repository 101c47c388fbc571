import fc from 'fast-check'
import t from 'tap'

import { parseByteRanges } from './byte-range.ts'

/** Ranges as `first-last`, in short. */
function read(field: string, size: number): string | undefined {
  const ranges = parseByteRanges(field, size)
  return typeof ranges === 'object' ? ranges.map(({ first, last }) => `${first}-${last}`).join(' ') : ranges
}

t.test('ranges are clamped to the representation (RFC 9110 §14.1.2)', async t => {
  const table: [string, string | undefined][] = [
    ['bytes=0-0', '0-0'],
    ['bytes=2-', '2-9'],
    ['bytes=-3', '7-9'],
    ['bytes=-30', '0-9'],
    ['bytes=5-50', '5-9'],
    ['bytes=5-99999999999999999999999', '5-9'],
    ['BYTES=1-2', '1-2'],
    ['bytes= 1-2 ,\t, 4-5,', '1-2 4-5'],
    ['bytes=8-9,0-1', '8-9 0-1'],
    ['bytes=0-1,20-30', '0-1'],
    ['bytes=00-01', '0-1'],
  ]
  for (const [field, ranges] of table) t.equal(read(field, 10), ranges, field)
})

t.test('only ranges that all lie outside are unsatisfiable', async t => {
  for (const field of [
    'bytes=10-',
    'bytes=10-20',
    'bytes=-0',
    'bytes=10-11,99-',
    `bytes=${'9'.repeat(400)}-`,
  ]) {
    t.equal(read(field, 10), 'unsatisfiable', field)
  }
  t.equal(read('bytes=0-', 0), 'unsatisfiable')
  t.equal(read('bytes=0-0', 0), 'unsatisfiable')
})

t.test('the last bytes of nothing are all there is', async t => {
  t.equal(read('bytes=-5', 0), undefined)
})

t.test('other units and malformed fields are ignored', async t => {
  const fields = [
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'bytes=2-1',
    'bytes=0-1;',
  ]
  fields.push(
    'items=0-1',
    'bytes 0-1',
    'bytes=0-1 2-3',
    'bytes=0 -1',
    'bytes=+1-2',
    'bytes=1.5-2',
    'bytes=0x0-1',
  )
  fields.push('bytes=٠-١', 'bytes=--1', 'bytes=0-1,2-1', 'bytes=0-1, bytes=3-4')
  for (const field of fields) t.equal(read(field, 10), undefined, field)
})

t.test('sixteen ranges are read, seventeen are ignored (P28)', async t => {
  const ranges = Array.from({ length: 17 }, (_, i) => `${i * 2}-${i * 2}`)

  t.equal(parseByteRanges(`bytes=${ranges.slice(0, 16).join()},`, 100)?.length, 16)
  t.equal(parseByteRanges(`bytes=${ranges.join()}`, 100), undefined)
})

t.test('ranges that overlap are ignored: they would send more than there is (P28)', async t => {
  for (const field of ['bytes=0-,0-', 'bytes=0-5,5-9', 'bytes=8-9,0-1,-1', 'bytes=0-9,3-4']) {
    t.equal(read(field, 10), undefined, field)
  }
})

t.test('a field of any length is read in time that is linear in it (P28)', async t => {
  const start = performance.now()

  for (const part of [' ', '0', '0-0,', ',', '-', ' ,', '1-', '0-1 ']) {
    parseByteRanges(`bytes=${part.repeat(1_000_000 / part.length)}x`, 10)
  }
  t.ok(performance.now() - start < 10_000, 'squared, it would be hours')
})

t.test('whatever is asked for, ranges lie inside and send no byte twice', async () => {
  const position = fc.option(fc.nat(40), { nil: '' })
  const list = fc.array(fc.tuple(position, position), { maxLength: 18 })
  fc.assert(
    fc.property(list, fc.nat(30), (specs, size) => {
      const ranges = parseByteRanges(`bytes=${specs.map(spec => spec.join('-')).join()}`, size)
      if (typeof ranges !== 'object') return
      const seen = new Set<number>()
      for (const { first, last } of ranges) {
        if (first < 0 || last >= size || first > last) throw new Error('outside')
        for (let at = first; at <= last; at++) {
          if (seen.has(at)) throw new Error('twice')
          seen.add(at)
        }
      }
    }),
  )
})
