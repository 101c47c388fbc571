import t from 'tap'

import { Router, decodePath } from './index.ts'

function createRouter(...paths: string[]): Router<string> {
  const router = new Router<string>()
  for (const path of paths) router.add('GET', path, path)
  return router
}

function find(
  router: Router<string>,
  rawPath: string,
): [path: string, params: Record<string, string>] | undefined {
  const match = router.match('GET', decodePath(rawPath)!)
  return match && [match.route.path, { ...match.params }]
}

t.test('Router.match', async t => {
  t.test('gives the route, with its value, and the decoded params', async t => {
    const router = createRouter('/users/:id/posts/:post')

    t.strictSame(find(router, '/users/%C3%A9%20a/posts/%D1%8F'), [
      '/users/:id/posts/:post',
      { id: 'é a', post: 'я' },
    ])
    t.equal(router.match('GET', '/users/1'), undefined)
    t.equal(router.match('GET', '/users/1/posts/2/'), undefined)
  })

  t.test('prefers static text to regexes, those to params, and those to wildcards, in any order', async t => {
    const paths = ['/*', '/a/*', '/a/:x', '/a/:x(\\d+)', '/a/:x-:y', '/a/:x.html', '/a/1', '/a/b/:z', '/:x/c']

    for (const router of [createRouter(...paths), createRouter(...paths.toReversed())]) {
      t.equal(find(router, '/a/1')?.[0], '/a/1')
      t.equal(find(router, '/a/2')?.[0], '/a/:x(\\d+)')
      t.equal(find(router, '/a/p-q')?.[0], '/a/:x-:y')
      t.equal(find(router, '/a/p.html')?.[0], '/a/:x.html')
      t.equal(find(router, '/a/p')?.[0], '/a/:x')
      t.equal(find(router, '/a/b')?.[0], '/a/:x')
      t.equal(find(router, '/a/b/c')?.[0], '/a/b/:z')
      t.equal(find(router, '/a/c/d')?.[0], '/a/*')
      t.equal(find(router, '/b/c')?.[0], '/:x/c')
      t.equal(find(router, '/b/d')?.[0], '/*')
    }
  })

  t.test('keeps that order for paths that need escapes', async t => {
    const paths = ['/a/*', '/a/:x', '/a/:x(\\?+)', '/a/:x-:y', '/a', '/:x/*', '/:x/:y/:z(\\?)', '/:x/:y/:z']

    for (const router of [createRouter(...paths), createRouter(...paths.toReversed())]) {
      t.strictSame(find(router, '/a/%3F%3F'), ['/a/:x(\\?+)', { x: '??' }])
      t.strictSame(find(router, '/a/%3F-%23'), ['/a/:x-:y', { x: '?', y: '#' }])
      t.strictSame(find(router, '/a/%2A'), ['/a/:x', { x: '*' }])
      t.strictSame(find(router, '/b/c/%3F'), ['/:x/:y/:z(\\?)', { x: 'b', y: 'c', z: '?' }])
      t.strictSame(find(router, '/b/c/%2F'), ['/:x/:y/:z', { x: 'b', y: 'c', z: '/' }])
    }
  })

  t.test('goes back to a less specific route when the more specific one leads nowhere', async t => {
    const router = createRouter('/users/new/form', '/users/:id', '/users/:id(\\d+)/edit', '/*')

    t.equal(find(router, '/users/new')?.[0], '/users/:id')
    t.equal(find(router, '/users/newer')?.[0], '/users/:id')
    t.equal(find(router, '/users/7')?.[0], '/users/:id')
    t.equal(find(router, '/users/x/edit')?.[0], '/*')
  })

  t.test('lets routes call the param at one place differently', async t => {
    const router = createRouter('/u/:id', '/u/:name/posts')

    t.strictSame(find(router, '/u/1'), ['/u/:id', { id: '1' }])
    t.strictSame(find(router, '/u/1/posts'), ['/u/:name/posts', { name: '1' }])
  })

  t.test('tries several regexes at one place in the order of their registration', async t => {
    const router = createRouter(
      '/:any',
      '/:id(\\d+)',
      '/:hex([0-9a-f]+)',
      '/:word([a-z]+)',
      '/:x(\\d+)/a',
      '/:y(\\w+)/b',
    )

    t.equal(find(router, '/12')?.[0], '/:id(\\d+)')
    t.equal(find(router, '/1a')?.[0], '/:hex([0-9a-f]+)')
    t.equal(find(router, '/xyz')?.[0], '/:word([a-z]+)')
    t.equal(find(router, '/X')?.[0], '/:any')
    t.equal(find(router, '/12/b')?.[0], '/:y(\\w+)/b')
  })

  t.test('keeps the order of regexes whatever follows them', async t => {
    const paths = ['/:hex([0-9a-f?]+)/:y', '/:id([\\d?]+)/x', '/:name.x/:y', '/:any/x']
    const router = createRouter(...paths)
    const reversed = createRouter(...paths.toReversed())

    for (const path of ['/12/x', '/%3F/x']) {
      t.equal(find(router, path)?.[0], '/:hex([0-9a-f?]+)/:y')
      t.equal(find(reversed, path)?.[0], '/:id([\\d?]+)/x')
    }
    t.equal(find(router, '/z/x')?.[0], '/:any/x')
    t.equal(find(router, '/%2F/x')?.[0], '/:any/x')
    t.equal(find(router, '/z.x/x')?.[0], '/:name.x/:y')
  })

  t.test('reads an escaped slash as data of its segment (P8)', async t => {
    const router = createRouter('/f/:name', '/f/:name/raw', '/a%2Fb', '/a/b')

    t.strictSame(find(router, '/f/a%2fb'), ['/f/:name', { name: 'a/b' }])
    t.strictSame(find(router, '/f/a%5Cb%25/raw'), ['/f/:name/raw', { name: 'a\\b%' }])
    t.equal(find(router, '/a%2Fb')?.[0], '/a%2Fb')
    t.equal(find(router, '/a/b')?.[0], '/a/b')
  })

  t.test('decodes once (P8)', async t => {
    t.strictSame(find(createRouter('/:x'), '/%252F%2525'), ['/:x', { x: '%2F%25' }])
    t.strictSame(find(createRouter('/:x'), '/%2541'), ['/:x', { x: '%41' }])
  })

  t.test('takes ?, #, ; and spaces in the path for data', async t => {
    const router = createRouter('/a/:x', '/w/*')

    t.strictSame(find(router, '/a/b%3Fc%23d;e%20f'), ['/a/:x', { x: 'b?c#d;e f' }])
    t.strictSame(find(router, '/w/b%3Fc/%23d;e'), ['/w/*', { '*': 'b?c/#d;e' }])
    t.strictSame(find(router, '/a/b;c d'), ['/a/:x', { x: 'b;c d' }])
    t.equal(router.match('GET', '/a?b'), undefined)
  })

  t.test('keeps the path form in the value of a wildcard', async t => {
    const router = createRouter('/f/*')

    t.strictSame(find(router, '/f/a%2Fb/c%25/%5C%C3%A9'), ['/f/*', { '*': 'a%2Fb/c%25/%5Cé' }])
    t.strictSame(find(router, '/f/a/b'), ['/f/*', { '*': 'a/b' }])
    t.strictSame(find(router, '/f/'), ['/f/*', { '*': '' }])
    t.strictSame(find(router, '/f//'), ['/f/*', { '*': '/' }])
    t.equal(find(router, '/f'), undefined)
  })

  t.test('never gives a param the empty value', async t => {
    const router = createRouter('/u/:id', '/u/*', '/v/:id', '/:p/', '/:p/:q/:r', '/w/:x-:y', '/n/:x(\\d+)')

    t.strictSame(find(router, '/u/'), ['/u/*', { '*': '' }])
    t.strictSame(find(router, '/v/'), ['/:p/', { p: 'v' }])
    t.equal(find(router, '//'), undefined)
    t.equal(find(router, '/a//b'), undefined)
    t.equal(find(router, '/w/-'), undefined)
    t.strictSame(find(router, '/n/'), ['/:p/', { p: 'n' }])
  })

  t.test('tells /a from /a/, and A from a (P9)', async t => {
    const router = createRouter('/a', '/a/', '/b/:x', '/c/:x/')

    t.equal(find(router, '/a')?.[0], '/a')
    t.equal(find(router, '/a/')?.[0], '/a/')
    t.equal(find(router, '/A'), undefined)
    t.equal(find(router, '/b/1/'), undefined)
    t.equal(find(router, '/c/1'), undefined)
    t.equal(find(router, '/c/1/')?.[0], '/c/:x/')
    t.equal(find(router, '//a'), undefined)
  })

  t.test('leaves out the key of an optional param that is absent', async t => {
    const router = createRouter('/list/:page?', '/n/:id(\\d+)?')

    t.strictSame(find(router, '/list'), ['/list/:page?', {}])
    t.strictSame(find(router, '/list/2'), ['/list/:page?', { page: '2' }])
    t.equal(find(router, '/list/'), undefined)
    t.strictSame(find(router, '/n/7'), ['/n/:id(\\d+)?', { id: '7' }])
    t.equal(find(router, '/n/x'), undefined)
    t.strictSame(find(createRouter('/:x?'), '/'), ['/:x?', {}])
  })

  t.test('splits a segment with several params at the last separator, and no value is empty', async t => {
    const router = createRouter('/f/:name.:ext', '/r/:from-:to', '/i/:id(\\d+)-:slug', '/m/:a-:b(\\d+)-:c')

    t.strictSame(find(router, '/f/a.tar.gz')?.[1], { name: 'a.tar', ext: 'gz' })
    t.strictSame(find(router, '/r/1-2-3')?.[1], { from: '1-2', to: '3' })
    t.strictSame(find(router, '/i/7-a-b')?.[1], { id: '7', slug: 'a-b' })
    t.strictSame(find(router, '/m/x-1-2-y')?.[1], { a: 'x-1', b: '2', c: 'y' })
    t.equal(find(router, '/f/.gz'), undefined)
    t.equal(find(router, '/r/1-'), undefined)
  })

  t.test('gives params without a prototype (P12)', async t => {
    const router = createRouter('/:__proto__/:constructor', '/static')
    const params = router.match('GET', '/a/b')?.params

    t.equal(Object.getPrototypeOf(params), null)
    t.strictSame(Object.entries(params!), [
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
    t.equal(Object.getPrototypeOf(router.match('GET', '/%2F/b')?.params), null)
    t.equal(Object.getPrototypeOf(router.match('GET', '/static')?.params), null)
  })

  t.test('takes values up to maxParamLength (P12)', async t => {
    const router = new Router<string>({ maxParamLength: 3 })
    router.add('GET', '/:id', '')
    router.add('GET', '/f/*', '')

    t.equal(router.match('GET', '/abc')?.params['id'], 'abc')
    t.equal(router.match('GET', '/abcd'), undefined)
    t.equal(router.match('GET', '/a%2Fb')?.params['id'], 'a/b')
    t.equal(router.match('GET', '/a%2Fbc'), undefined)
    t.equal(router.match('GET', '/f/abcdef')?.params['*'], 'abcdef')
  })

  t.test('takes values up to 1024 characters by default', async t => {
    const router = createRouter('/:id')

    t.ok(find(router, `/${'é'.repeat(1024)}`))
    t.notOk(find(router, `/${'a'.repeat(1025)}`))
  })

  t.test('finds routes that were added after the first match', async t => {
    const router = createRouter('/:id')
    t.equal(find(router, '/a')?.[0], '/:id')

    router.add('GET', '/a', '/a')
    t.equal(find(router, '/a')?.[0], '/a')
  })

  t.test('takes what is no path for a miss', async t => {
    const router = createRouter('/:x', '/*')

    for (const path of ['', '*', 'a', 'http://a/b', '?', '/\ufdd0', '\ud800']) {
      t.equal(router.match('GET', path), undefined, path)
    }
  })
})

t.test('Router.exceedsParamLength tells a path with a segment that is too long, decoded', async t => {
  const router = new Router({ maxParamLength: 3 })

  t.equal(router.exceedsParamLength('/abc/a%2Fb/abc'), false)
  t.equal(router.exceedsParamLength('/abc/abcd'), true)
  t.equal(router.exceedsParamLength('/'), false)
})

t.test('new Router refuses a maxParamLength that is not a positive integer', async t => {
  for (const maxParamLength of [0, -1, 1.5, Infinity, NaN]) {
    t.throws(() => new Router({ maxParamLength }), { name: 'RangeError', message: /not a positive integer/ })
  }
})
