import fc from 'fast-check'
import t from 'tap'

import { jsonErrorPosition } from './json-error-position.ts'
import { parseJsonText } from './json-text.ts'

t.test('parseJsonText', t => {
  t.test('tells where the text stops being JSON', t => {
    const cases: [text: string, position: number][] = [
      ['{"a":1', 6],
      ['{a:1}', 1],
      ['[1,]', 3],
      ['[1 2]', 3],
      ['{"a" 1}', 5],
      ['{"a":1,}', 7],
      ['[1}', 2],
      ['1 1', 2],
      ['"a\\x"', 2],
      ['"a\nb"', 2],
      ['"open', 5],
      ['1,', 1],
      ['01', 1],
      ['[]]', 2],
      [' \n tru', 3],
      ['{"a":[true,false,null,-1.5e3,"\\u00e9"]', 38],
    ]
    for (const [text, position] of cases) {
      t.throws(
        () => parseJsonText(text),
        { status: 400, message: `The JSON body has a syntax error at position ${position}` },
        text,
      )
    }
    t.end()
  })

  t.test('never points past the end, and what stands before the position is a beginning of JSON', t => {
    const corrupted = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 }))
    fc.assert(
      fc.property(corrupted, ([json, at, noise]) => {
        const text = json.slice(0, at % (json.length + 1)) + noise + json.slice((at % (json.length + 1)) + 1)
        try {
          JSON.parse(text)
        } catch {
          const position = jsonErrorPosition(text)
          t.ok(position >= 0 && position <= text.length)
        }
      }),
    )
    t.end()
  })

  t.test('refuses empty text', t => {
    t.throws(() => parseJsonText(' \n'), { message: 'The JSON body is empty' })
    t.end()
  })

  t.test('refuses nesting that would overflow a stack later (P23)', t => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    const padded = `["${'\\"['.repeat(600)}",{}]`

    t.doesNotThrow(() => parseJsonText(nested(512)))
    t.doesNotThrow(() => parseJsonText(`${nested(512)}  `))
    t.doesNotThrow(() => parseJsonText(padded))
    t.throws(() => parseJsonText(nested(513)), { message: /deeper than 512 levels/ })
    t.throws(() => parseJsonText(nested(200_000)), { message: /deeper/ })
    t.end()
  })

  t.test('refuses keys that pollute prototypes, however they are written (P23)', t => {
    t.throws(() => parseJsonText('{"a":[{"__proto__":{}}]}'), { message: /"__proto__" key/ })
    t.throws(() => parseJsonText('{"\\u005f_proto__":1}'), { message: /"__proto__" key/ })
    t.throws(() => parseJsonText('{"constructor":{"prototype":1}}'), {
      message: /"constructor.prototype" key/,
    })
    t.strictSame(parseJsonText('{"constructor":"Ada","a":null}'), { constructor: 'Ada', a: null })
    t.strictSame(parseJsonText('["\\"__proto__\\":"]'), ['"__proto__":'])
    t.end()
  })

  t.end()
})
