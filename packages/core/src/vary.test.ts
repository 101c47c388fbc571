import t from 'tap'

import { Headers } from './headers.ts'
import { addVary } from './vary.ts'

t.test('a field is added to those that are listed, once', async t => {
  const table: [string | undefined, string][] = [
    [undefined, 'Origin'],
    ['', 'Origin'],
    ['Accept', 'Accept, Origin'],
    ['origin', 'origin'],
    ['Accept , ORIGIN', 'Accept , ORIGIN'],
    ['X-Origin', 'X-Origin, Origin'],
    ['*', '*'],
  ]
  for (const [before, after] of table) {
    const headers = new Headers(before === undefined ? {} : { vary: before })
    addVary(headers, 'Origin')
    t.equal(headers.get('vary'), after, String(before))
  }
})

t.test('several fields become one', async t => {
  const headers = new Headers([
    ['vary', 'Accept'],
    ['vary', 'Cookie'],
  ])
  addVary(headers, 'Origin')
  t.strictSame([...headers], [['vary', 'Accept, Cookie, Origin']])
})
