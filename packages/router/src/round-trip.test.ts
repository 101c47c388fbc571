import { isDeepStrictEqual } from 'node:util'

import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'

import { Router, decodePath, decodeSegments } from './index.ts'
import type { Route } from './index.ts'

type Params = Record<string, string | string[]>

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
const value = fc.oneof(
  text,
  fc.stringMatching(/^[a-c.\-/%?#*\\:;]{1,8}$/),
  fc.constantFrom('__proto__', 'new'),
)
const digit = fc.stringMatching(/^\d$/)
const digits = fc.stringMatching(/^\d{1,64}$/)
const wildcard = fc.oneof(
  fc.array(value, { minLength: 1, maxLength: 4 }),
  fc.stringMatching(/^[a-c./?#%25F]{1,8}$/),
)

const patterns: [path: string, params: Record<string, fc.Arbitrary<string | string[]>>][] = [
  ['/static', {}],
  ['/приве́т/a b;c?d', {}],
  ['/users/:id', { id: value }],
  ['/users/:id/', { id: value }],
  ['/:a/:b/c/:d', { a: value, b: value, d: value }],
  ['/n/:id(\\d+)', { id: digits }],
  ['/n/:id([^/?a]+)/x', { id: value }],
  ['/m/:x-:y', { x: value, y: value }],
  ['/m/:x.:y-:z', { x: value, y: value, z: value }],
  ['/m/:id(\\d+)-:slug', { id: digits, slug: value }],
  ['/m/v:major(\\d).:minor(\\d{1,2})%2F:rest', { major: digit, minor: digit, rest: value }],
  ['/o/:x?', { x: value }],
  ['/p/:a/:x(\\d+)?', { a: value, x: digits }],
  ['/f/*', { '*': wildcard }],
  [
    '/é/:a/:x-:y.?:z(\\w+)/*',
    { a: value, x: value, y: value, z: fc.stringMatching(/^\w{1,9}$/), '*': wildcard },
  ],
]

function tryUrl(route: Route<string>, params: Params): string | undefined {
  try {
    return route.url(params)
  } catch {
    return undefined
  }
}

function toComparable(params: Readonly<Params>): Params {
  const comparable: Params = { ...params }
  const rest = params['*']
  if (typeof rest === 'string') comparable['*'] = decodeSegments(rest)
  return comparable
}

function paramsOf(arbitraries: Record<string, fc.Arbitrary<string | string[]>>): fc.Arbitrary<Params> {
  const requiredKeys = 'x' in arbitraries ? Object.keys(arbitraries).filter(name => name !== 'x') : undefined
  return fc.record(arbitraries, requiredKeys && { requiredKeys })
}

function assertHolds<Value>(
  t: Test,
  arbitrary: fc.Arbitrary<Value>,
  holds: (value: Value) => boolean,
  numRuns = 200,
): void {
  const details = fc.check(fc.property(arbitrary, holds), { numRuns })
  t.notOk(details.failed, fc.defaultReportMessage(details) ?? 'holds')
}

for (const host of [undefined, '*.example.com']) {
  t.test(
    `what url() builds for ${host ?? 'no host'} matches with the same params, for every pattern (P13)`,
    async t => {
      for (const [path, arbitraries] of patterns) {
        const router = new Router<string>()
        const route: Route<string> = router.add('GET', path, '', { host })
        let built = 0

        assertHolds(t, paramsOf(arbitraries), params => {
          const url = tryUrl(route, params)
          if (url === undefined) return true
          built++
          const match = router.match('GET', decodePath(url)!, host && 'A.example.com:80')
          return match?.route === route && isDeepStrictEqual(toComparable(match.params), toComparable(params))
        })
        t.ok(built > 0, `${path}: ${built} built`)
      }
    },
  )
}

t.test('what url() builds stays what it is when a client resolves it (P13)', async t => {
  for (const [path, arbitraries] of patterns) {
    const route: Route<string> = new Router<string>().add('GET', path, '')
    assertHolds(t, paramsOf(arbitraries), params => {
      const url = tryUrl(route, params)
      return url === undefined || new URL(url, 'http://a').href === `http://a${url}`
    })
  }
})

t.test('among many routes a URL leads to its own route, or is not built (P13)', async t => {
  const router = new Router<string>()
  const routes = patterns.map(([path]): Route<string> => router.add('GET', path, path))
  router.add('GET', '/:any/*', '')

  for (const [index, [, arbitraries]] of patterns.entries()) {
    assertHolds(t, paramsOf(arbitraries), params => {
      const url = tryUrl(routes[index]!, params)
      return url === undefined || router.match('GET', decodePath(url)!)?.route === routes[index]
    })
  }
})

t.test('no path makes the router throw, and no param is empty (P12)', async t => {
  const router = new Router<string>()
  for (const [path] of patterns) router.add('GET', path, path)
  const pieces = ['/', 'f', 'm', 'n', '1', '-', '.', '%', '%2F', '%25', '?', '#', '*', '\ufdd0', '\0', 'é']
  const anyPath = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.constantFrom(...pieces)).map(chosen => `/${chosen.join('')}`),
  )

  assertHolds(
    t,
    anyPath,
    path => {
      decodePath(path)
      router.allowedMethods(path)
      router.exceedsParamLength(path)
      const params = Object.entries(router.match('GET', path)?.params ?? {})
      return params.every(([name, value]) => name === '*' || value !== '')
    },
    2000,
  )
})

t.test('a path with escapes matches the same route as one with plain text in their place', async t => {
  const router = new Router<string>()
  const paths = [
    '/:a',
    '/:a/:b',
    '/x/:b',
    '/:a-:b',
    '/x/*',
    '/:a/',
    '/:a([^/]+)/:b/c',
    '/:a/x',
    '/x/:b.x',
    '/x',
  ]
  for (const path of paths) router.add('GET', path, path)
  const segments = fc.array(fc.constantFrom('x', 'c', '-', 'q', 'q-q', 'q.x', ''), {
    minLength: 1,
    maxLength: 4,
  })
  const plainPath = segments.map(chosen => `/${chosen.join('/')}`)

  assertHolds(
    t,
    plainPath,
    path => router.match('GET', path)?.route === router.match('GET', path.replaceAll('q', '?'))?.route,
    2000,
  )
})
