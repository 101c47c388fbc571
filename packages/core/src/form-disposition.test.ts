import t from 'tap'

import { parseFormDisposition } from './form-disposition.ts'
import { HttpBadRequest } from './http-error.ts'

/** As it comes: each byte of its UTF-8 a character. */
function parse(value: string) {
  return parseFormDisposition(Buffer.from(value).toString('latin1'))
}

t.test('name and file name are what browsers meant', async t => {
  for (const [value, name, filename] of [
    ['form-data; name="a"', 'a', undefined],
    ['form-data;name=a;filename=b.txt', 'a', 'b.txt'],
    ['form-data; NAME="a"; FileName="b"', 'a', 'b'],
    ['form-data; name="naïve 日本"; filename="ü.png"', 'naïve 日本', 'ü.png'],
    ['form-data; name="%22a%0D%0ab%22"; filename="%22.txt"', '"a\r\nb"', '".txt'],
    ['form-data; name="\\"a\\b\\""', '"a\\b"', undefined],
    ['form-data; name="a\\\\"', 'a\\\\', undefined],
    ['form-data; name="a;b=c"; x=y', 'a;b=c', undefined],
    ['form-data; name="100%"', '100%', undefined],
    ['form-data; name=""; filename=""', '', ''],
    ['form-data; name="a" ;', 'a', undefined],
    ['form-data', undefined, undefined],
    ['form-data; name=a; filename="x"; filename*=UTF-8\'\'%e2%82%ac%20rates', 'a', '€ rates'],
    ["form-data; name=a; filename*=utf-8'en'plain", 'a', 'plain'],
  ] as const) {
    t.strictSame(parse(value), { name, filename }, value)
  }
})

t.test('a file name is reduced to its last part, without what controls a terminal (P25)', async t => {
  for (const [sent, kept] of [
    ['C:\\dir\\file.txt', 'file.txt'],
    ['../../etc/passwd', 'passwd'],
    ['a/..', ''],
    ['.', ''],
    ['dir/', ''],
    ['a\u001b[31m\0%0Ab', 'a[31mb'],
    ['..hidden', '..hidden'],
  ] as const) {
    t.equal(parse(`form-data; name=a; filename="${sent}"`).filename, kept, sent)
  }
  t.equal(parse("form-data; name=a; filename*=UTF-8''..%2F..%2Fx").filename, 'x')
})

t.test('what does not fit the grammar, or is not UTF-8, is refused (P24)', async t => {
  for (const value of [
    'form-data; name="a',
    'form-data; name="a"b',
    'form-data; name=a b',
    'form-data; name',
    'form-data name=a',
    'form-data; name=a; name=b',
    'form-data; name=a; filename=b; FILENAME=c',
    "form-data; name=a; filename*=latin1''b",
    "form-data; name=a; filename*=utf-8''%zz",
    "form-data; name=a; filename*=utf-8''%ff",
    '; name=a',
  ]) {
    t.throws(() => parse(value), HttpBadRequest, value)
  }
  t.throws(() => parseFormDisposition('form-data; name="\xff"'), HttpBadRequest)
})

t.test('a value of any length is read in the time of its length', async t => {
  const repeat = (piece: string) => `form-data; name="${piece.repeat(200_000)}`

  // Were it the square of that, none of these would end within the time of a test.
  for (const piece of [';', '\\', '"', ';a=', '="', '; a="b"']) {
    t.throws(() => parseFormDisposition(repeat(piece)), HttpBadRequest, piece)
  }
  t.equal(parseFormDisposition(`${repeat('%22')}"`).name?.length, 200_000)
})
