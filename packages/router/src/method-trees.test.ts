import { METHODS } from 'node:http'
import t from 'tap'

import { Router } from './index.ts'

function valueAt(router: Router<string>, method: string, path: string): string | undefined {
  return router.match(method, path)?.route.value
}

t.test('a method is registered in any case, and matched as it was sent', async t => {
  const router = new Router<string>()
  const route = router.add('m-search', '/', 'search')

  t.strictSame(route.methods, ['M-SEARCH'])
  t.equal(valueAt(router, 'M-SEARCH', '/'), 'search')
  t.equal(valueAt(router, 'm-search', '/'), undefined)
})

t.test('a method that Node does not parse is refused', async t => {
  for (const method of ['FOO', '', 'GET ', '__PROTO__']) {
    t.throws(() => new Router().add(method, '/', 0), {
      name: 'TypeError',
      message: /no method that Node parses/,
    })
  }
  t.throws(() => new Router().add([], '/', 0), { message: /list of methods is empty/ })
})

t.test('a list of methods makes one route', async t => {
  const router = new Router<string>()
  const route = router.add(['GET', 'post', 'POST'], '/', 'both')

  t.strictSame(route.methods, ['GET', 'POST'])
  t.strictSame(router.routes(), [route])
  t.strictSame(router.allowedMethods('/'), ['GET', 'HEAD', 'POST'])
})

t.test('a route for any method answers every method, unknown ones included', async t => {
  const router = new Router<string>()
  t.strictSame(router.add(['GET', '*'], '/x', 'any').methods, ['*'])

  for (const method of [...METHODS, 'UNKNOWN']) t.equal(valueAt(router, method, '/x'), 'any')
  t.strictSame(router.allowedMethods('/x'), METHODS.toSorted())
})

t.test('the more specific path wins, be its method explicit or any', async t => {
  for (const reversed of [false, true]) {
    const router = new Router<string>()
    const routes: [string, string][] = [
      ['GET', '/a/:x'],
      ['*', '/a/b'],
      ['*', '/a/*'],
      ['GET', '/*'],
    ]
    for (const [method, path] of reversed ? routes.reverse() : routes) router.add(method, path, path)

    t.equal(valueAt(router, 'GET', '/a/b'), '/a/b')
    t.equal(valueAt(router, 'GET', '/a/c'), '/a/:x')
    t.equal(valueAt(router, 'GET', '/a/c/d'), '/a/*')
    t.equal(valueAt(router, 'POST', '/a/c'), '/a/*')
    t.equal(valueAt(router, 'GET', '/b'), '/*')
  }
})

t.test('on the same pattern the explicit method wins, whatever the params are called', async t => {
  const router = new Router<string>()
  router.add('*', '/:a', 'any')
  router.add('GET', '/:b', 'get')

  t.equal(valueAt(router, 'GET', '/1'), 'get')
  t.equal(valueAt(router, 'HEAD', '/1'), 'get')
  t.equal(valueAt(router, 'PUT', '/1'), 'any')
})

t.test('a GET route answers HEAD by the same order', async t => {
  const router = new Router<string>()
  router.add('GET', '/a', 'get a')
  router.add('HEAD', '/:x', 'head x')

  t.equal(valueAt(router, 'HEAD', '/a'), 'get a')
  t.equal(valueAt(router, 'HEAD', '/b'), 'head x')
})

t.test('a HEAD route on the same pattern answers in place of the GET route', async t => {
  const router = new Router<string>()
  router.add('GET', '/:x', 'get')
  router.add('HEAD', '/:y', 'head')

  t.equal(valueAt(router, 'HEAD', '/a'), 'head')
  t.equal(valueAt(router, 'GET', '/a'), 'get')
})

t.test('a GET route with head: false leaves HEAD alone', async t => {
  const router = new Router<string>()
  router.add('GET', '/', 'get', { head: false })
  router.add('GET', '/a', 'get a', { head: false })
  router.add('*', '/a', 'any a')

  t.equal(valueAt(router, 'HEAD', '/'), undefined)
  t.strictSame(router.allowedMethods('/'), ['GET'])
  t.equal(valueAt(router, 'HEAD', '/a'), 'any a')
})

t.test('allowedMethods joins all routes that match the path, sorted', async t => {
  const router = new Router<string>()
  router.add('PUT', '/users/:id', '')
  router.add('GET', '/users/me', '')
  router.add('DELETE', '/users/*', '')
  router.add('POST', '/users', '')

  t.strictSame(router.allowedMethods('/users/me'), ['DELETE', 'GET', 'HEAD', 'PUT'])
  t.strictSame(router.allowedMethods('/users/7'), ['DELETE', 'PUT'])
  t.strictSame(router.allowedMethods('/nowhere'), [])
})

t.test('a duplicate throws and names both routes', async t => {
  const router = new Router<string>()
  router.add('GET', '/users/:id', '', { name: 'show' })

  t.throws(() => router.add(['POST', 'GET'], '/users/:name', '', { name: 'other' }), {
    name: 'TypeError',
    message: 'Cannot add POST,GET /users/:name (other): GET /users/:id (show) answers the same paths',
  })
  t.equal(router.routes().length, 1)
  t.equal(valueAt(router, 'POST', '/users/1'), undefined)
})

t.test('paths that match the same are duplicates, however they are written', async t => {
  const duplicates: [string, string][] = [
    ['/café', '/caf%C3%A9'],
    ['/a%2fb', '/a%2Fb'],
    ['/list/:page?', '/list'],
    ['/list/:page', '/list/:x?'],
    ['/:a(\\d+)', '/:b(^\\d+$)'],
    ['/:a-:b', '/:c-:d'],
    ['/f/*', '/f/*'],
    ['', ''],
  ]
  for (const [one, other] of duplicates) {
    const router = new Router<number>()
    router.add('GET', one, 1)
    t.throws(() => router.add('GET', other, 2), { message: /answers the same paths/ }, `${one} ${other}`)
  }
})

t.test('another method, host, regex or slash makes no duplicate', async t => {
  const router = new Router<number>()
  router.add('GET', '/:a', 1)
  router.add('POST', '/:a', 2)
  router.add('*', '/:a', 3)
  router.add('GET', '/:a', 4, { host: 'a.example' })
  router.add('GET', '/:a', 5, { host: '*.example' })
  router.add('GET', '/:a(\\d+)', 6)
  router.add('GET', '/:a/', 7)

  t.throws(() => router.add('GET', '/:b', 8, { host: 'A.example:80' }), {
    message: /a\.example\/:a answers/,
  })
  t.throws(() => router.add('*', '/:b', 8), { message: /\* \/:a answers/ })
  t.strictSame(
    router.routes().map(route => route.value),
    [1, 2, 3, 4, 5, 6, 7],
  )
})

t.test('a name belongs to one route', async t => {
  const router = new Router<string>()
  router.add('GET', '/a', '', { name: 'x' })

  t.throws(() => router.add('GET', '/b', '', { name: 'x' }), {
    name: 'TypeError',
    message: 'Cannot add GET /b: the name "x" belongs to GET /a (x)',
  })
})
