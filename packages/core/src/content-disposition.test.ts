import fc from 'fast-check'
import t from 'tap'

import { serializeContentDisposition } from './content-disposition.ts'

t.test('a file name is quoted, and encoded as well where it is not plain (RFC 6266 §4.3)', async t => {
  const table: [string | undefined, string][] = [
    [undefined, 'attachment'],
    ['a b.txt', 'attachment; filename="a b.txt"'],
    ['a "b".txt', 'attachment; filename="a \\"b\\".txt"'],
    ['€ 5.pdf', `attachment; filename="_ 5.pdf"; filename*=UTF-8''%E2%82%AC%205.pdf`],
    ['😀.txt', `attachment; filename="_.txt"; filename*=UTF-8''%F0%9F%98%80.txt`],
    ["é(1)*'.txt", `attachment; filename="_(1)*'.txt"; filename*=UTF-8''%C3%A9%281%29%2A%27.txt`],
    ['100%25.txt', `attachment; filename="100%25.txt"; filename*=UTF-8''100%2525.txt`],
    ['100%.txt', 'attachment; filename="100%.txt"'],
    ['../etc\\x', 'attachment; filename=".._etc_x"'],
  ]
  for (const [name, field] of table) t.equal(serializeContentDisposition('attachment', name), field)
  t.equal(serializeContentDisposition('inline', 'a'), 'inline; filename="a"')
})

t.test('what could break the field is no file name (P15)', async t => {
  for (const name of ['', 'a\r\nb: c', 'a\0', '\x7f', 'a\tb', '\ud800', 'x\udc00']) {
    t.throws(() => serializeContentDisposition('attachment', name), TypeError, JSON.stringify(name))
  }
})

t.test('whatever the name, the field has one shape', async () => {
  const shape = /^attachment; filename="(?:[ !#-[\]-~]|\\")*"(?:; filename\*=UTF-8''[\w!#$&+.^`|~%-]*)?$/
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), name => {
      // eslint-disable-next-line no-control-regex
      fc.pre(!/[\x00-\x1f\x7f]/.test(name))
      return shape.test(serializeContentDisposition('attachment', name))
    }),
  )
})
