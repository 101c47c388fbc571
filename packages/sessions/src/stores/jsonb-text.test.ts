import fc from 'fast-check'
import t from 'tap'

import { fromJsonb, toJsonb } from './jsonb-text.ts'

void t.test('JSON for jsonb', async t => {
  const odd = ['\0', '\u001b', '\ud800', '\udc00', '🦊', '0000', 'é', '"']
  const text = textOf([...odd, '\\', '\\u0000'])
  // No backslash in a key: JSON.parse of Node 24 and 26 takes keys with escapes for it (nodejs/node#63785).
  const value = fc.dictionary(textOf(odd), fc.array(text, { maxLength: 3 }))

  t.test('has neither NUL nor half a surrogate pair, and comes back as it was', async t => {
    const property = fc.property(value, value => {
      const json = JSON.stringify(value)
      const kept = toJsonb(json)
      const parsed = JSON.stringify(Object.entries(JSON.parse(kept) as object))
      return !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(parsed) && fromJsonb(kept) === json
    })
    fc.assert(property, { numRuns: 2000 })
    t.pass()
  })

  t.test('is right also where it was spelt in another way', async t => {
    const spelt = '{"a":"\\u0041\\uD83E\\uDD8A\\uD800\\u001B","__proto__":1}'

    t.equal(fromJsonb(toJsonb(spelt)), '{"a":"A🦊\\ud800\\u001b","__proto__":1}')
  })

  t.test('is left alone where nothing is odd', async t => {
    for (const json of ['{}', '{"a":"\\n\\\\u0000"}', '{"a":"🦊"}']) t.equal(fromJsonb(toJsonb(json)), json)
  })
})

function textOf(units: readonly string[]): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...units), maxLength: 8 })
}
