import t from 'tap'

import { HttpBadRequest, HttpContentTooLarge } from './http-error.ts'
import { MultipartParser } from './multipart-parser.ts'

const LIMITS = { headerSize: 100, headersCount: 3 }
const HEAD = 'Content-Disposition: form-data; name="a"'
const BODY = `--B0\r\n${HEAD}\r\n\r\n1\r\n--B0\r\n${HEAD}\r\nx:y\r\n\r\n\r\n--B\r\nxx--B0\r\n--B0\r\n${HEAD}\r\n\r\n\r\n--B0--\r\n`
const CONTENTS = ['1', '\r\n--B\r\nxx--B0', '']

/** The content of each part. */
function parse(pieces: readonly Buffer[], boundary = 'B0'): string[] {
  const parser = new MultipartParser(boundary, LIMITS)
  const contents: string[] = []
  for (const piece of pieces) {
    for (const event of parser.push(piece)) {
      if (event.kind === 'head') contents.push('')
      if (event.kind === 'content') contents[contents.length - 1] += event.bytes.toString('latin1')
    }
  }
  parser.finish()
  return contents
}

function parseText(text: string): string[] {
  return parse([Buffer.from(text, 'latin1')])
}

t.test('parts are the same however the body is cut into pieces', async t => {
  const bytes = Buffer.from(BODY)

  for (let cut = 0; cut <= bytes.length; cut++) {
    t.strictSame(parse([bytes.subarray(0, cut), bytes.subarray(cut)]), CONTENTS, `cut at ${cut}`)
  }
  t.strictSame(parse(Array.from(bytes, byte => Buffer.from([byte]))), CONTENTS, 'byte by byte')
})

t.test(
  'preamble, epilogue, blanks behind a boundary and no parts at all are allowed (RFC 2046 §5.1)',
  async t => {
    const first = `--B0\r\n${HEAD}\r\n\r\n1\r\n`

    t.strictSame(parseText(`This is a message --B0 in parts\r\n${first}--B0--\r\nThat was\r\n--B0\r\nall`), [
      '1',
    ])
    t.strictSame(parseText(`${first.replace('B0', 'B0 \t')}--B0-- \t`), ['1'])
    t.strictSame(parseText(`${first}--B0--`), ['1'])
    t.strictSame(parseText('--B0--\r\n'), [])
    t.strictSame(parseText('--B0\r\n\r\nwithout a field\r\n--B0--'), ['without a field'])
  },
)

t.test('header fields are those of their part, blanks around values left out', async t => {
  const parser = new MultipartParser('B0', LIMITS)
  const [event] = parser.push(Buffer.from('--B0\r\nA:1\r\nb: \t two words \t\r\na:3\r\n\r\n'))

  t.strictSame(event?.kind === 'head' && [...event.headers], [
    ['a', '1'],
    ['b', 'two words'],
    ['a', '3'],
  ])
})

t.test('a body that is not whole, or not exactly multipart, is refused (P24)', async t => {
  const part = `--B0\r\n${HEAD}\r\n\r\n1`

  for (const [what, text] of Object.entries({
    'an empty body': '',
    'no boundary': 'hello',
    'no end': part,
    'an end without a line end before it': `${part}--B0--`,
    'half an end': `${part}\r\n--B0-`,
    'half an end on its line': `${part}\r\n--B0-\r\n`,
    'an end that is only begun': `${part}\r\n--B0`,
    'an end with half a line end': `${part}\r\n--B0--\r`,
    'a boundary that is only begun': `${part}\r\n--B`,
    'a head that is only begun': `${part}\r\n--B0\r\nContent-Dis`,
    'more behind a boundary': `--B0x\r\n${HEAD}\r\n\r\n1\r\n--B0--`,
    'more behind the end': `${part}\r\n--B0--x`,
    'endless blanks behind a boundary': `--B0${' '.repeat(1000)}`,
    'line feeds alone': part.replaceAll('\r', ''),
    'a carriage return alone': `--B0\rx${part}`,
    'a field without a colon': `--B0\r\nnonsense\r\n${HEAD}\r\n\r\n1\r\n--B0--`,
    'a field without a name': `--B0\r\n: x\r\n\r\n1\r\n--B0--`,
    'a field with a blank in its name': `--B0\r\na b: x\r\n\r\n1\r\n--B0--`,
    'a field on two lines': `--B0\r\na: x\r\n y\r\n\r\n1\r\n--B0--`,
    'a field with a zero byte': `--B0\r\na: \0\r\n\r\n1\r\n--B0--`,
    'a field with a line feed': `--B0\r\na: x\ny\r\n\r\n1\r\n--B0--`,
    'no end of the fields': `--B0\r\na: x\r\n--B0--\r\n`,
  })) {
    t.throws(() => parseText(text), HttpBadRequest, what)
  }
})

t.test('a boundary is 1 to 70 of the characters that are allowed', async t => {
  const long = 'b'.repeat(70)
  const parts = (boundary: string) => parse([Buffer.from(`--${boundary}--`)], boundary)

  for (const boundary of ["'()+_,-./:=? x", 'a', long]) t.strictSame(parts(boundary), [], boundary)
  for (const boundary of ['', `${long}b`, 'a ', 'ä', 'a"', 'a\r\n']) {
    t.throws(() => parts(boundary), HttpBadRequest, JSON.stringify(boundary))
  }
  t.throws(() => new MultipartParser(undefined, LIMITS), HttpBadRequest)
})

t.test('header fields are limited in number and in bytes, whole or not (P24)', async t => {
  const within = 'x'.repeat(98)
  const send = (fields: string) => parseText(`--B0\r\n${fields}\r\n\r\n1\r\n--B0--`)

  t.strictSame(send('a:1\r\nb:2\r\nc:3'), ['1'])
  t.throws(() => send('a:1\r\nb:2\r\nc:3\r\nd:4'), HttpContentTooLarge)
  t.strictSame(send(`a:${within}`), ['1'])
  t.throws(() => send(`a:${within}x`), HttpContentTooLarge)
  t.throws(() => parseText(`--B0\r\na:${'x'.repeat(200)}`), HttpContentTooLarge, 'not whole')
})
