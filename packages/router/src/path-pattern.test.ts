import t from 'tap'

import { Router } from './index.ts'

const broken: [path: string, reason: RegExp][] = [
  ['users', /does not start with "\/"/],
  ['*', /does not start with "\/"/],
  ['//users', /holds "\/\/"/],
  ['/a//b', /holds "\/\/"/],
  ['/a//', /holds "\/\/"/],
  ['/a/./b', /clients resolve the segment "."/],
  ['/%2e%2E/b', /clients resolve the segment ".."/],
  ['/100%', /write "%25"/],
  ['/%ff', /does not decode/],
  ['/%00', /does not decode/],
  ['/\ud800', /surrogate/],
  ['/\ufdd0', /noncharacter/],
  ['/*/a', /"\*" is only known as the last segment/],
  ['/a*', /"\*" is only known as a whole segment/],
  ['/:a*', /"\*" is only known as a whole segment/],
  ['/**', /"\*" is only known as a whole segment/],
  ['/:', /":" does not name a param/],
  ['/:1', /":1" does not name a param/],
  ['/:a b', /":a b" does not name a param/],
  ['/:a:b', /nothing separates the param "b"/],
  ['/:a(\\d+):b', /nothing separates the param "b"/],
  ['/:a/:a', /the param "a" is there twice/],
  ['/:a?/b', /only the last param can be optional/],
  ['/:a?b', /only the last param can be optional/],
  ['/x:a?', /an optional param has to be a whole segment/],
  ['/:a(\\d+', /parentheses of a regex are not balanced/],
  ['/:a((a)', /parentheses of a regex are not balanced/],
  ['/:a(\\)', /parentheses of a regex are not balanced/],
  ['/:id((a+)+)', /the regex of the param "id" repeats a group/],
]

t.test('a broken path is refused when it is added, with the reason', async t => {
  for (const [path, message] of broken) {
    t.throws(() => new Router().add('GET', path, 0), { name: 'TypeError', message }, path)
  }
})

t.test('a path that is not text is refused', async t => {
  t.throws(() => new Router().add('GET', /x/ as never, 0), { message: /not a string/ })
})

t.test('static text matches its spelling on the wire, whichever way it was registered', async t => {
  const router = new Router<string>()
  for (const path of [
    '/приве́т',
    '/a;b',
    '/a b',
    '/caf%C3%A9',
    '/a?b',
    '/a#b',
    '/x::y',
    '/(c)',
    '/a\\b',
    '/1%25',
    '/%2A',
  ]) {
    router.add('GET', path, path)
  }

  t.equal(router.match('GET', '/приве́т')?.route.value, '/приве́т')
  t.equal(router.match('GET', '/a;b')?.route.value, '/a;b')
  t.equal(router.match('GET', '/a b')?.route.value, '/a b')
  t.equal(router.match('GET', '/café')?.route.value, '/caf%C3%A9')
  t.equal(router.match('GET', '/a?b')?.route.value, '/a?b')
  t.equal(router.match('GET', '/a#b')?.route.value, '/a#b')
  t.equal(router.match('GET', '/x:y')?.route.value, '/x::y')
  t.equal(router.match('GET', '/(c)')?.route.value, '/(c)')
  t.equal(router.match('GET', '/a%5Cb')?.route.value, '/a\\b')
  t.equal(router.match('GET', '/1%25')?.route.value, '/1%25')
  t.equal(router.match('GET', '/*')?.route.value, '/%2A')
})

t.test('static text before and after params matches its spelling on the wire', async t => {
  const router = new Router<string>()
  router.add('GET', '/é/a?b;*%2F/:x/%2A::/:y.a?b/приве́т'.replace('*', '%2A'), '')

  t.strictSame({ ...router.match('GET', '/é/a?b;*%2F/1/*:/2.a?b/приве́т')?.params }, { x: '1', y: '2' })
  t.equal(router.match('GET', '/é/a?b;*/1/*:/2.a?b/приве́т'), undefined)
})

t.test('the empty path stands for the root of a sub-application', async t => {
  const router = new Router<string>()
  router.add('GET', '', 'empty')
  router.add('GET', '/', 'slash')

  t.equal(router.match('GET', '')?.route.value, 'empty')
  t.equal(router.match('GET', '/')?.route.value, 'slash')
})
