import t from 'tap'

import { Router, urlFor } from './index.ts'

const loosely: (path: string, params: Record<string, unknown>) => string = urlFor as never

t.test('urlFor puts encoded values into the path', async t => {
  t.equal(urlFor('/users/:id', { id: 42 }), '/users/42')
  t.equal(urlFor('/users/:id', { id: 12345678901234567890n }), '/users/12345678901234567890')
  t.equal(urlFor('/users/:id', { id: 'a/b?c#d%e f\\é' }), '/users/a%2Fb%3Fc%23d%25e%20f%5C%C3%A9')
  t.equal(urlFor('/:x-:y/:id(\\d+)', { x: 'a', y: 'b', id: 1 }), '/a-b/1')
  t.equal(urlFor('/users'), '/users')
  t.equal(urlFor(''), '')
  t.equal(urlFor('/'), '/')
  t.equal(urlFor('/a/:x/', { x: 1 }), '/a/1/')
})

t.test('urlFor encodes static text, and leaves what a path may hold', async t => {
  t.equal(urlFor('/приве́т'), encodeURI('/приве́т'))
  t.equal(urlFor('/a b/c?d#e'), '/a%20b/c%3Fd%23e')
  t.equal(urlFor("/@me;v=1,2/a+b&c$d::e!(f)'~"), "/@me;v=1,2/a+b&c$d:e!(f)'~")
  t.equal(urlFor('/a%2fb%5C%25%2A'), '/a%2Fb%5C%25*')
})

t.test('urlFor leaves out an optional param that is not given', async t => {
  t.equal(urlFor('/list/:page?'), '/list')
  t.equal(urlFor('/list/:page?', { page: undefined }), '/list')
  t.equal(urlFor('/list/:page?', { page: 2 }), '/list/2')
  t.equal(urlFor('/:page?'), '/')
})

t.test('urlFor appends the query in its order', async t => {
  const query = { page: 2, tag: ['a b', 'c&d'], none: undefined, all: true, big: 1n, empty: '', no: [] }

  t.equal(urlFor('/x', {}, { query }), '/x?page=2&tag=a+b&tag=c%26d&all=true&big=1&empty=')
  t.equal(urlFor('/x', undefined, { query: {} }), '/x')
  t.equal(urlFor('/x', undefined, { query: undefined }), '/x')
})

t.test('urlFor takes a wildcard in the path form, or as a list of segments', async t => {
  t.equal(urlFor('/f/*', { '*': 'a/b c/é' }), '/f/a/b%20c/%C3%A9')
  t.equal(urlFor('/f/*', { '*': 'a%2Fb/100%25' }), '/f/a%2Fb/100%25')
  t.equal(urlFor('/f/*', { '*': ['a/b', '100%', 7] }), '/f/a%2Fb/100%25/7')
  t.equal(urlFor('/f/*', { '*': 7 }), '/f/7')
})

t.test('urlFor throws for missing and unknown params, and names them', async t => {
  t.throws(() => loosely('/:a/:b/:c', { b: 1, a: undefined }), {
    name: 'TypeError',
    message: 'Cannot build a URL of "/:a/:b/:c": param "a", "c" is missing',
  })
  t.throws(() => loosely('/:a', { a: 1, id: 2 }), {
    message: 'Cannot build a URL of "/:a": it has no param "id"',
  })
  t.throws(() => loosely('/:constructor', {}), { message: /param "constructor" is missing/ })
})

t.test('urlFor throws for a value that would not come back (P13)', async t => {
  const refused: [path: string, params: Record<string, unknown>, message: RegExp][] = [
    ['/:x', { x: '' }, /param "x" is empty/],
    ['/:x', { x: '.' }, /clients resolve the segment "\."/],
    ['/:x', { x: '..' }, /clients resolve the segment "\.\."/],
    ['/:x.', { x: '.' }, /clients resolve the segment "\.\."/],
    ['/:x(.+)', { x: '..' }, /clients resolve the segment "\.\."/],
    ['/:x', { x: 'a\0' }, /holds NUL/],
    ['/:x', { x: '\ud800' }, /surrogate/],
    ['/:x', { x: '\ufdd0' }, /noncharacter/],
    ['/:x', { x: true }, /neither text nor a number/],
    ['/:x', { x: null }, /neither text nor a number/],
    ['/:x', { x: ['a'] }, /neither text nor a number/],
    ['/:id(\\d+)', { id: '4x' }, /param "id" would not come back/],
    ['/:id(\\d+)', { id: '1'.repeat(65) }, /param "id" would not come back/],
    ['/a/:x-:y', { x: '1', y: '2-3' }, /param "x", "y" would not come back/],
    ['/f/:name.:ext', { name: 'a', ext: 'tar.gz' }, /param "name", "ext" would not come back/],
    ['/f/*', { '*': '' }, /param "\*" is empty/],
    ['/f/*', { '*': [] }, /param "\*" is empty/],
    ['/f/*', { '*': 'a//b' }, /empty segment/],
    ['/f/*', { '*': '/a' }, /empty segment/],
    ['/f/*', { '*': 'a/' }, /empty segment/],
    ['/f/*', { '*': ['a', ''] }, /param "\*" is empty/],
    ['/f/*', { '*': 'a/../b' }, /clients resolve the segment/],
    ['/f/*', { '*': ['..'] }, /clients resolve the segment/],
    ['/f/*', { '*': '100%' }, /holds "\\" or "%" as itself/],
    ['/f/*', { '*': 'a\\b' }, /holds "\\" or "%" as itself/],
    ['/f/*', { '*': '%2f' }, /holds "\\" or "%" as itself/],
  ]
  for (const [path, params, message] of refused) {
    t.throws(() => loosely(path, params), { name: 'TypeError', message }, `${path} ${JSON.stringify(params)}`)
  }
})

t.test('urlFor throws for a value that is too long, and for a number that is not finite', async t => {
  t.equal(urlFor('/:x', { x: 'é'.repeat(1024) }).length, 1 + 1024 * 6)
  t.throws(() => urlFor('/:x', { x: 'a'.repeat(1025) }), { name: 'RangeError', message: /longer than 1024/ })
  for (const x of [NaN, Infinity])
    t.throws(() => urlFor('/:x', { x }), { name: 'RangeError', message: /is (NaN|Inf)/ })
})

t.test('a URL never begins with // or /\\ (P13)', async t => {
  t.equal(urlFor('/:x', { x: '/evil.example' }), '/%2Fevil.example')
  t.equal(urlFor('/:x', { x: '\\evil.example' }), '/%5Cevil.example')
  t.equal(urlFor('/\\evil.example'), '/%5Cevil.example')
  t.throws(() => urlFor('/*', { '*': '/evil.example' }))
  t.throws(() => urlFor('//evil.example'))
})

t.test('Route.url and Router.url build the same', async t => {
  const router = new Router<string>()
  const route = router.add('POST', '/users/:id', '', { name: 'users.update' })

  t.equal(route.url({ id: 'é' }, { query: { a: 1 } }), '/users/%C3%A9?a=1')
  t.equal(router.url('users.update', { id: 'é' }, { query: { a: 1 } }), '/users/%C3%A9?a=1')
  t.equal(String(route), 'POST /users/:id (users.update)')
})

t.test('Router.url throws for a name that no route has', async t => {
  t.throws(() => new Router().url('users.show'), {
    name: 'TypeError',
    message: 'Cannot build the URL of route "users.show": no route has this name',
  })
})

t.test('Route.url throws when a more specific path answers the URL (P13)', async t => {
  const router = new Router<string>()
  const show = router.add('GET', '/users/:id', '')
  const update = router.add('POST', '/users/:id', '')
  router.add('GET', '/users/new', '')

  t.equal(show.url({ id: 'newer' }), '/users/newer')
  t.equal(update.url({ id: 'new' }), '/users/new')
  t.throws(() => show.url({ id: 'new' }), {
    name: 'TypeError',
    message: 'Cannot build a URL of "/users/:id": "/users/new" leads to GET /users/new',
  })
})

t.test('Route.url is content when another route of the same path answers', async t => {
  const router = new Router<string>()
  const any = router.add('*', '/x/:a?', '')
  router.add('GET', '/x/:b', '')

  t.equal(any.url({ a: 1 }), '/x/1')
  t.equal(any.url(), '/x')
})

t.test('Route.url looks among the routes of its host', async t => {
  const router = new Router<string>()
  const route = router.add('GET', '/:id', '', { host: '*.example.com' })
  router.add('GET', '/new', '')

  t.equal(route.url({ id: 'new' }), '/new')
  t.equal(String(route), 'GET *.example.com/:id')
})

t.test('Route.url holds to the maxParamLength of its router', async t => {
  const route = new Router<string>({ maxParamLength: 3 }).add('GET', '/:id', '')

  t.equal(route.url({ id: 'abc' }), '/abc')
  t.throws(() => route.url({ id: 'abcd' }), { name: 'RangeError', message: /longer than 3 characters/ })
})
