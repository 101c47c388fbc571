import t from 'tap'

import { MAX_WAYS, parseParamRegex } from './param-regex.ts'
import { Router, decodePath } from './index.ts'

function parse(source: string) {
  return parseParamRegex(source, reason => {
    throw new Error(reason)
  })
}

function matches(source: string, value: string): boolean {
  const router = new Router<string>()
  router.add('GET', `/:value(${source})`, '')
  return router.match('GET', decodePath(`/${encodeURIComponent(value)}`)!)?.params['value'] === value
}

const accepted: [source: string, matching: string, other: string][] = [
  ['\\d+', '42', '4x'],
  ['^\\d+$', '42', ''],
  ['\\d{4}-\\d{2}-\\d{2}', '2024-02-29', '2024-2-29'],
  ['[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', '6f1d2a3b-0000-4000-8000-00000000000f', '6f1d2a3b'],
  ['en|de|fr', 'de', 'it'],
  ['(jpg|png)', 'png', 'gif'],
  ['v\\d+(?:\\.\\d+)?', 'v1.2', 'v1.'],
  ['[a-z]+-[a-z]+', 'abc-def', 'abc'],
  ['\\w+?', 'ab_1', 'a-b'],
  ['.+', 'anything else', ''],
  ['a{2}', 'aa', 'aaa'],
  ['(?:a{2})+', 'aaaa', 'aaa'],
  ['a{2,}', 'aaaa', 'a'],
  ['a{1,3}b*', 'aaabb', 'aaaab'],
  ['[^a-c]+', 'xyz', 'xaz'],
  ['[-a]+', '-a-', 'b'],
  ['[a-]+', '-a-', 'b'],
  ['[\\w.-]+', 'a.b-c', 'a b'],
  ['[\\d-]+', '1-2', 'a'],
  ['\\x41\\u0042\\t?', 'AB', 'ab'],
  ['\\(\\)\\.\\W\\S', '().-x', '()x-x'],
  ['\\[x\\]', '[x]', 'x'],
  ['a]}', 'a]}', 'a'],
  ['(a(b))c', 'abc', 'ab'],
  ['[?]', '?', 'x'],
  ['[^?]+', 'abc', 'a?'],
  ['[!-@]+', '/?%#*', 'A'],
  ['a/b', 'a/b', 'ab'],
  ['[\\u0080-\\uffff]+', 'é', '?'],
  ['\\D', '?', '1'],
]

const refused: [source: string, reason: RegExp][] = [
  ['(a+)+', /itself holds a quantifier/],
  ['(?:a*)*', /itself holds a quantifier/],
  ['(?:a{1,2})+', /itself holds a quantifier/],
  ['(?:a?b)+', /itself holds a quantifier/],
  ['((?:a|aa)+b)', /or an alternation/],
  ['(a|a){5}', /or an alternation/],
  ['(.)\\1', /back-reference/],
  ['\\k<x>', /back-reference/],
  ['(?=a)a', /look-around/],
  ['(?!a)b', /look-around/],
  ['(?<=a)b', /look-around/],
  ['(?<x>a)', /named group/],
  ['(?i:a)', /flag/],
  ['.*.*.*.*a', /too many repetitions/],
  ['a+b+c+d+', /too many repetitions/],
  ['a?'.repeat(19) + 'a', /too many repetitions/],
  ['a{1,65}', /repeats more than 64 times/],
  ['a{65}', /repeats more than 64 times/],
  ['a{40}b{40}', /more than 64 characters/],
  ['a{3,2}', /out of order/],
  ['a*', /matches the empty text/],
  ['', /matches the empty text/],
  ['a|', /matches the empty text/],
  ['(?:)', /matches the empty text/],
  ['+a', /nothing before it/],
  ['{2}', /nothing before it/],
  ['a**', /nothing before it/],
  ['a^b', /"\^" inside/],
  ['a$b', /"\$" inside/],
  ['\\ba', /escape "\\b"/],
  ['\\p{L}', /escape "\\p"/],
  ['\\xg0', /escape "\\x"/],
  ['\\cA', /escape "\\c"/],
  ['[]', /empty class/],
  ['[z-a]', /range out of order/],
  ['[a-\\d]', /range out of order/],
  ['[abc', /"\[" that is not closed/],
  ['(a', /"\(" that is not closed/],
  ['a)', /"\)" too many/],
]

t.test('a regex in the linear subset matches as elsewhere (P12)', async t => {
  for (const [source, matching, other] of accepted) {
    t.ok(matches(source, matching), `${source} matches ${matching}`)
    t.notOk(matches(source, other), `${source} does not match ${other}`)
  }
})

t.test('a regex whose cost is not known to be low is refused, with the reason (P12)', async t => {
  for (const [source, reason] of refused) t.throws(() => parse(source), { message: reason }, source)
})

t.test('no accepted regex can be tried in more ways than the limit (P12)', async t => {
  for (const [source] of accepted) t.ok(parse(source).ways <= MAX_WAYS, source)
  t.equal(parse('\\d+').ways, 64)
  t.equal(parse('.+.+.+').ways, MAX_WAYS)
})

t.test('the ways of a regex count its branches and the turns of its repetitions', async t => {
  t.equal(parse('a|b|c').ways, 3)
  t.equal(parse('(?:a|b)?c').ways, 3)
  t.equal(parse('a{2,4}b{3}').ways, 3)
  t.equal(parse('a{1}').ways, 1)
})

t.test('every repetition that the tree gets is bounded (P12)', async t => {
  for (const [source] of accepted) {
    const { aloneSource, sharedSource } = parse(source)
    t.notMatch(aloneSource + sharedSource, /[+*]|\{\d+,\}/, source)
  }
})

t.test('a regex matches 64 characters at most', async t => {
  t.ok(matches('a+b*', 'a'.repeat(64)))
  t.notOk(matches('a+b*', 'a'.repeat(65)))
  t.notOk(matches('a+b*', 'a'.repeat(60) + 'b'.repeat(5)))
})

t.test('in a segment with more params, the repetitions of a regex share the 64 characters', async t => {
  const router = new Router<string>()
  router.add('GET', '/:slug-:id(\\d+)', '')
  router.add('GET', '/:a(\\w+\\.\\w+).:b(\\w)', '')

  t.equal(router.match('GET', `/x-${'1'.repeat(64)}`)?.params['id'], '1'.repeat(64))
  t.equal(router.match('GET', `/x-${'1'.repeat(65)}`), undefined)
  t.equal(router.match('GET', `/${'x'.repeat(31)}.y.z`)?.params['b'], 'z')
  t.equal(router.match('GET', `/${'x'.repeat(32)}.y.z`), undefined)
})

t.test('several params in one segment are refused when they are too much together (P12)', async t => {
  const router = new Router<string>()
  const refused = ['/:a(\\d+)-:b(\\d+)-:c(\\d+)-:d(\\d+)', '/:slug-:width(\\d+)x:height(\\d+)']
  const accepted = [
    '/:a(\\d+)-:b(\\d+)-:c(\\d+)',
    '/:slug-:width(\\d{1,5})x:height(\\d{1,5})',
    '/:slug-:id(\\d+)',
  ]

  for (const path of refused) {
    t.throws(() => router.add('GET', path, ''), { message: /too many repetitions together/ }, path)
  }
  for (const path of accepted) t.doesNotThrow(() => router.add('GET', path, ''), path)
})
