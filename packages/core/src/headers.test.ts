import t from 'tap'

import { Headers } from './headers.ts'

t.test('Headers', t => {
  t.test('finds names whatever their case', t => {
    const headers = new Headers({ 'Content-Type': 'text/plain' })

    t.equal(headers.get('CONTENT-TYPE'), 'text/plain')
    t.equal(headers.has('content-type'), true)
    t.equal(headers.get('accept'), null)
    t.end()
  })

  t.test('joins what was appended, and keeps Set-Cookie apart', t => {
    const headers = new Headers([
      ['a', '1'],
      ['set-cookie', 'x=1'],
    ])
    headers.append('A', '2')
    headers.append('Set-Cookie', 'y=2')

    t.equal(headers.get('a'), '1, 2')
    t.strictSame(headers.getSetCookie(), ['x=1', 'y=2'])
    t.end()
  })

  t.test('replaces in place, and deletes every value', t => {
    const headers = new Headers({ a: '1', b: '2' })
    headers.append('a', '3')

    headers.set('a', '4')
    t.strictSame([...headers], [['a', '4'], ['b', '2']]) // prettier-ignore
    headers.delete('A')
    t.strictSame([...new Headers(headers)], [['b', '2']])
    t.end()
  })

  t.test('refuses what would break a header section (P15)', t => {
    const headers = new Headers()

    t.throws(() => headers.set('a', 'b\r\nc: d'), { code: 'ERR_INVALID_CHAR' })
    t.throws(() => headers.append('a', 'b\u0000'), { code: 'ERR_INVALID_CHAR' })
    t.throws(() => headers.set('a b', 'c'), { code: 'ERR_INVALID_HTTP_TOKEN' })
    t.throws(() => new Headers({ '': 'c' }), { code: 'ERR_INVALID_HTTP_TOKEN' })
    t.end()
  })

  t.end()
})
