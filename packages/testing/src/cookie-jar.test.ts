import t from 'tap'

import { TestCookies } from './cookie-jar.ts'

function jarWith(...fields: string[]): TestCookies {
  const cookies = new TestCookies('localhost')
  cookies.store(fields, 'localhost', '/a/b')
  return cookies
}

t.test('Secure and __Host- cookies are kept and sent', async t => {
  const cookies = jarWith('__Host-id=1; Secure; Path=/; HttpOnly; SameSite=Strict', 's=2; Secure; Path=/')

  t.equal(cookies.headerFor('localhost', '/'), '__Host-id=1; s=2')
  t.match(
    cookies.list().find(({ name }) => name === '__Host-id'),
    {
      value: '1',
      domain: 'localhost',
      path: '/',
      hostOnly: true,
      httpOnly: true,
      secure: true,
      sameSite: 'strict',
      expires: undefined,
    },
  )
})

t.test('what a browser refuses is dropped', async t => {
  const cookies = jarWith('__Host-id=1; Path=/', '__Secure-id=1', 'x=1; Domain=example.com', '')

  t.same(cookies.list(), [])
})

t.test('a cookie goes to its path and its host only', async t => {
  const cookies = jarWith('here=1; Path=/a', 'default=2')
  cookies.store(['sub=3; Domain=example.com; Path=/'], 'www.example.com:8080', '/')

  t.equal(cookies.headerFor('localhost', '/a/c'), 'here=1; default=2')
  t.equal(cookies.headerFor('localhost', '/'), undefined)
  t.equal(cookies.headerFor('api.example.com', '/'), 'sub=3')
  t.equal(cookies.get('sub', { host: 'example.com' }), '3')
  t.equal(cookies.get('sub'), undefined)
})

t.test('a cookie ends when it expires', async t => {
  const cookies = jarWith('a=1; Max-Age=1000', 'b=1; Max-Age=0', 'c=1')
  cookies.store(['c=; Max-Age=0'], 'localhost', '/a/b')

  t.equal(cookies.get('b'), undefined)
  t.equal(cookies.get('c'), undefined)
  const left = cookies.list()[0]!.expires!.getTime() - Date.now()
  t.ok(left > 900_000 && left <= 1_000_000)
})

t.test('a test sets and removes cookies', async t => {
  const cookies = jarWith('old=1; Path=/a')
  cookies.set('id', 'x')
  cookies.set('id', 'y', { path: '/deep' })
  cookies.set('far', 'z', { host: 'example.com' })
  const sent = cookies.headerFor('localhost', '/deep')
  cookies.delete('id')

  t.equal(sent, 'id=y; id=x')
  t.equal(cookies.get('id'), undefined)
  t.equal(cookies.get('old'), '1')
  cookies.clear()
  t.same([cookies.list(), cookies.list({ host: 'example.com' })], [[], []])
})

t.test('what cannot be a cookie is refused', async t => {
  const cookies = jarWith()
  for (const [name, value] of [
    ['a b', '1'],
    ['a=b', '1'],
    ['a', '1;2'],
    ['', '1'],
  ] as const) {
    t.throws(() => cookies.set(name, value), TypeError, `"${name}"`)
  }
})

t.test('a host that is none has no cookies', async t => {
  const cookies = jarWith('a=1; Path=/')
  cookies.store(['b=1'], 'a b', '/')

  t.equal(cookies.headerFor('a b', '/'), undefined)
})
