import fc from 'fast-check'
import t from 'tap'

import { encodeEvent } from './server-sent-event.ts'

t.test('encodeEvent', async t => {
  t.test('writes each field on a line of its own, in a fixed order', async t => {
    const event = { data: 'hello', event: 'greeting', id: '7', retry: 1000, comment: 'first' }
    t.equal(encodeEvent(event), ': first\nid: 7\nevent: greeting\nretry: 1000\ndata: hello\n\n')
  })

  t.test('takes text for the data, and writes anything else as JSON', async t => {
    t.equal(encodeEvent('hello'), 'data: hello\n\n')
    t.equal(encodeEvent({ data: { a: [1] } }), 'data: {"a":[1]}\n\n')
    t.equal(encodeEvent({ data: null }), 'data: null\n\n')
    t.equal(encodeEvent({ data: '' }), 'data: \n\n')
    t.equal(encodeEvent({ id: '' }), 'id: \n\n')
  })

  t.test('begins a new line of the same field at CR, LF and CRLF (P48)', async t => {
    t.equal(encodeEvent('a\r\nb\rc\nd'), 'data: a\ndata: b\ndata: c\ndata: d\n\n')
    t.equal(encodeEvent({ comment: 'a\ndata: forged' }), ': a\n: data: forged\n\n')
  })

  t.test('refuses line breaks in event and id, and NUL in id (P48)', async t => {
    for (const text of ['a\rb', 'a\nb', 'a\r\nb']) {
      t.throws(() => encodeEvent({ event: text }), TypeError)
      t.throws(() => encodeEvent({ id: text }), TypeError)
    }
    t.throws(() => encodeEvent({ id: 'a\0b' }), TypeError)
  })

  t.test('refuses a retry that is no whole number of milliseconds, and data that is no JSON', async t => {
    for (const retry of [-1, 1.5, NaN, Infinity]) t.throws(() => encodeEvent({ retry }), RangeError)
    t.throws(() => encodeEvent({ data: () => {} }), TypeError)
  })

  t.test('lets no value become a field or an event of its own (P48)', async t => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (data, comment) => {
        const text = encodeEvent({ data, comment })
        t.ok(text.endsWith('\n\n') && !text.slice(0, -2).includes('\n\n'))
        t.ok(
          text
            .slice(0, -2)
            .split('\n')
            .every(line => /^(?:data)?: /.test(line) && !line.includes('\r')),
        )
      }),
    )
  })
})
