import fc from 'fast-check'
import t from 'tap'

import { elementsFromRight } from './forwarded.ts'

function read(field: string): (Record<string, string> | undefined)[] {
  return Array.from(elementsFromRight(field), element => element && Object.fromEntries(element))
}

t.test('elementsFromRight', t => {
  t.test('reads the examples of RFC 7239, nearest proxy first', t => {
    t.strictSame(read('for="_gazonk"'), [{ for: '_gazonk' }])
    t.strictSame(read('For="[2001:db8:cafe::17]:4711"'), [{ for: '[2001:db8:cafe::17]:4711' }])
    t.strictSame(read('for=192.0.2.60;proto=http;by=203.0.113.43'), [
      { for: '192.0.2.60', proto: 'http', by: '203.0.113.43' },
    ])
    t.strictSame(read('for=192.0.2.43, for=198.51.100.17'), [{ for: '198.51.100.17' }, { for: '192.0.2.43' }])
    t.strictSame(read('for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown'), [
      { for: 'unknown' },
      { for: '[2001:db8:cafe::17]' },
      { for: '192.0.2.43' },
    ])
    t.end()
  })

  t.test('takes quotes, escapes and separators within them, space around parameters, empty elements', t => {
    t.strictSame(read('for="a,b;c=\\"d\\\\";secret=x'), [{ for: 'a,b;c="d\\', secret: 'x' }])
    t.strictSame(read(' for=a ; proto=https ,\t, host="b" ;'), [{ host: 'b' }, { for: 'a', proto: 'https' }])
    t.strictSame(read('for=""'), [{ for: '' }])
    t.strictSame(read(''), [])
    t.end()
  })

  t.test('ends at an element that is not well-formed', t => {
    for (const bad of [
      'for',
      'for=',
      '=a',
      'for=a b',
      'for=[::1]',
      'for=a;for=b',
      'for = a',
      'for="a',
      'for=a"',
      '"',
    ]) {
      t.strictSame(read(`for=x, ${bad}`), [undefined], bad)
    }
    t.strictSame(read('for=x, for, for=y'), [{ for: 'y' }, undefined])
    t.end()
  })

  t.test('reads what a proxy appends alike, whatever a client has written before it (P36)', t => {
    const appended = 'for="[2001:db8::1]:80";proto=https;host="a.example"'
    const [expected] = read(appended)
    const written = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('"', '\\', ',', ';', '=', 'a', ' ') }),
    )

    fc.assert(
      fc.property(written, text => t.strictSame(read(`${text}, ${appended}`)[0], expected)),
      {
        numRuns: 500,
      },
    )
    t.end()
  })

  t.test('takes time that is linear in the field (P36)', t => {
    const cost = (text: string) => {
      const start = performance.now()
      read(text)
      return performance.now() - start
    }
    for (const piece of ['"', '\\', '\\"', ',', ';', 'a=', 'a=",', 'for=a,', ' ', '="\\']) {
      cost(piece.repeat(1000))
      t.ok(cost(piece.repeat(200_000)) < 10_000, JSON.stringify(piece))
      t.ok(cost(`for=a;${piece.repeat(200_000)}(`) < 10_000, `within an element: ${JSON.stringify(piece)}`)
    }
    t.end()
  })

  t.end()
})
