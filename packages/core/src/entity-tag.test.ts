import t from 'tap'

import { matchesStrongly, matchesWeakly, parseEntityTag, parseEntityTags } from './entity-tag.ts'
import type { EntityTag } from './entity-tag.ts'

function strong(value: string): EntityTag {
  return { value, isWeak: false }
}

function weak(value: string): EntityTag {
  return { value, isWeak: true }
}

t.test('a tag is quoted, and weak with W/ before it', async t => {
  const table: [string, EntityTag | undefined][] = [
    ['"a"', strong('a')],
    ['W/"a"', weak('a')],
    ['""', strong('')],
    ['"a,b\\"', strong('a,b\\')],
    ['"é"', strong('é')],
    ['w/"a"', undefined],
    ['a', undefined],
    ['"a', undefined],
    ['"a"b"', undefined],
    ['"a b"', undefined],
    ['"a" ', undefined],
    ['"a", "b"', undefined],
    ['', undefined],
  ]
  for (const [text, tag] of table) t.strictSame(parseEntityTag(text), tag, text)
})

t.test('a list names any number of tags, or any tag', async t => {
  const table: [string, readonly EntityTag[] | '*'][] = [
    ['*', '*'],
    [' * ', '*'],
    ['"a"', [strong('a')]],
    ['"a", W/"b","c"', [strong('a'), weak('b'), strong('c')]],
    [',\t"a" ,, "b,", ', [strong('a'), strong('b,')]],
    ['', []],
    ['"a", *', []],
    ['"a" "b"', []],
    ['a, "b"', []],
    ['"a', []],
  ]
  for (const [text, tags] of table) t.strictSame(parseEntityTags(text), tags, text)
})

t.test('a list of any length is read in time that is linear in it (P28)', async t => {
  const start = performance.now()

  parseEntityTags(`${' '.repeat(500_000)}x${'"a",'.repeat(120_000)}`)
  t.equal(parseEntityTags('"a",'.repeat(200_000)).length, 200_000)
  t.ok(performance.now() - start < 10_000, 'squared, it would be hours')
})

t.test('strong comparison wants both strong, weak comparison does not care (RFC 9110 §8.8.3.2)', async t => {
  const table: [EntityTag, EntityTag, boolean, boolean][] = [
    [weak('1'), weak('1'), false, true],
    [weak('1'), weak('2'), false, false],
    [weak('1'), strong('1'), false, true],
    [strong('1'), strong('1'), true, true],
    [strong('1'), strong('2'), false, false],
  ]
  for (const [one, other, strongly, weakly] of table) {
    t.equal(matchesStrongly(one, other), strongly)
    t.equal(matchesWeakly(one, other), weakly)
  }
})
