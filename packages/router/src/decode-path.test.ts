import t from 'tap'

import { decodePath, decodeSegments } from './index.ts'

t.test('decodePath decodes every escape once, but for %2F, %5C and %25 (P8)', async t => {
  t.equal(decodePath('/users/42'), '/users/42')
  t.equal(decodePath('/caf%C3%A9/a%20b%3F%23%3B'), '/café/a b?#;')
  t.equal(decodePath('/a%2fb%5cc%25'), '/a%2Fb%5Cc%25')
  t.equal(decodePath('/%252F'), '/%252F')
})

t.test('decodePath leaves slashes, dots, case and semicolons as they are (P9)', async t => {
  t.equal(decodePath('//A/../%2E%2E/;x/'), '//A/../../;x/')
})

t.test('decodePath refuses broken and non-UTF-8 escapes, and NUL (P8)', async t => {
  const broken = ['/%', '/%2', '/%zz', '/%25%', '/%ff', '/%C0%AF', '/%ED%A0%80', '/%E2%82', '/%00', '/\0']
  for (const path of broken) t.equal(decodePath(path), undefined, path)
})

t.test('decodeSegments splits at real slashes only, then decodes what was left', async t => {
  t.strictSame(decodeSegments('a%2Fb/c%5Cd/100%25'), ['a/b', 'c\\d', '100%'])
  t.strictSame(decodeSegments('%252F'), ['%2F'])
  t.strictSame(decodeSegments(''), [''])
})
