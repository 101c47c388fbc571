import t from 'tap'

import { parseCookies, ResponseCookies } from './cookies.ts'
import type { CookieOptions } from './cookies.ts'

function serialized(name: string, options?: CookieOptions): string {
  const cookies = new ResponseCookies()
  cookies.set(name, 'v', options)
  return [...cookies.values()].join('\n')
}

t.test('ResponseCookies', t => {
  t.test('sets safe defaults, which options and undefined options do not undo by accident', t => {
    t.equal(serialized('a'), 'a=v; Path=/; HttpOnly; SameSite=Lax')
    t.equal(serialized('a', { httpOnly: undefined }), 'a=v; Path=/; HttpOnly; SameSite=Lax')
    t.equal(serialized('a', { httpOnly: false, sameSite: 'strict' }), 'a=v; Path=/; SameSite=Strict')
    t.end()
  })

  t.test('keeps one cookie for each name, path and domain', t => {
    const cookies = new ResponseCookies()
    cookies.set('a', '1')
    cookies.set('a', '2')
    cookies.set('a', '3', { domain: 'example.com' })

    t.equal([...cookies.values()].length, 2)
    t.end()
  })

  t.test('deletes with an age in the past, also names that need secure', t => {
    const cookies = new ResponseCookies()
    cookies.delete('a')
    cookies.delete('__Host-b')

    const [a, b] = [...cookies.values()]
    t.match(a, /^a=; Max-Age=0; .*Expires=Thu, 01 Jan 1970/)
    t.match(b, /^__Host-b=; .*Secure/)
    t.end()
  })

  t.test('refuses what RFC 6265bis does not allow (P17)', t => {
    t.throws(() => serialized('a b'), TypeError)
    t.throws(() => serialized('a', { path: '/\r\n' }), TypeError)
    t.throws(() => serialized('a', { domain: 'x;y' }), TypeError)
    t.throws(() => serialized(''), TypeError)
    t.throws(() => serialized('a=b'), TypeError)
    t.throws(() => serialized('a', { path: '/;x' }), TypeError)
    t.throws(() => serialized('a', { sameSite: 'sometimes' as 'lax' }), TypeError)
    t.throws(() => serialized('a', { priority: 'highest' as 'high' }), TypeError)
    t.throws(() => serialized('a', { maxAge: Infinity }), TypeError)
    t.throws(() => serialized('a', { maxAge: NaN }), /maxAge must be a whole number of seconds/)
    t.throws(() => serialized('a', { expires: new Date(NaN) }), /expires is not a valid date/)
    t.throws(() => serialized('a', { sameSite: 'none' }), /sameSite "none" needs secure/)
    t.throws(() => serialized('a', { partitioned: true }), /partitioned needs secure/)
    t.throws(() => serialized('__Secure-a'), /needs secure/)
    t.throws(() => serialized('__Host-a', { secure: true, path: '/x' }), /needs path "\/" and no domain/)
    t.throws(() => serialized('__host-a', { secure: true, domain: 'a.b' }), /needs path "\/" and no domain/)
    t.end()
  })

  t.test('encodes what a value may not hold, and gets it back (P15)', t => {
    const value = 'a b;c,d"e\\f\r\ng=é%'
    const cookies = new ResponseCookies()
    cookies.set('a', value)

    const [field] = [...cookies.values()][0]!.split('; ')
    t.match(field, /^a=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/)
    t.equal(parseCookies(field!)['a'], value)
    t.end()
  })

  t.test('sets what is allowed', t => {
    const everything = {
      secure: true,
      sameSite: 'none',
      partitioned: true,
      maxAge: 5,
      priority: 'high',
    } as const

    t.match(serialized('__Host-a', everything), /Max-Age=5.*Secure.*Partitioned|Partitioned.*Secure/)
    t.end()
  })

  t.end()
})

t.test('parseCookies', t => {
  t.test('gives plain data, the first of equal names, and never throws (P12, P17)', t => {
    const cookies = parseCookies('a=1; a=2; __proto__=x; bad; =; b=%zz; c="q"')

    t.strictSame(Object.entries(cookies).sort(), [['', ''], ['__proto__', 'x'], ['a', '1'], ['b', '%zz'], ['c', '"q"']]) // prettier-ignore
    t.equal(Object.getOwnPropertyDescriptor(cookies, '__proto__')?.value, 'x')
    t.equal(cookies['constructor'], undefined)
    t.end()
  })

  t.test('passes over what is malformed and keeps the rest', t => {
    t.strictSame(
      { ...parseCookies(' a = 1 ;;b=2;c;\td="3;e=4=5; =x') },
      { a: '1', b: '2', d: '"3', e: '4=5', '': 'x' },
    )
    t.strictSame({ ...parseCookies('') }, {})
    t.end()
  })

  t.test('takes time that is linear in the field', t => {
    for (const piece of ['a=b;', ';', '=', ' ', 'a', '%', '"', 'a= ;']) {
      const start = performance.now()
      parseCookies(piece.repeat(200_000))
      t.ok(performance.now() - start < 2000, JSON.stringify(piece))
    }
    t.end()
  })

  t.end()
})
