import t from 'tap'

import { empty, html, json, redirect, Response, text } from './response.ts'

t.test('Response', t => {
  t.test('takes its type from the body, unless the headers say otherwise', t => {
    t.equal(text('a').headers.get('content-type'), 'text/plain; charset=utf-8')
    t.equal(html('a').headers.get('content-type'), 'text/html; charset=utf-8')
    t.equal(json(1).headers.get('content-type'), 'application/json; charset=utf-8')
    t.equal(new Response(Uint8Array.of(1)).headers.get('content-type'), 'application/octet-stream')
    t.equal(json(1, { headers: { 'content-type': 'a/b' } }).headers.get('content-type'), 'a/b')
    t.equal(json(1, { headers: { x: 'y' } }).headers.get('content-type'), 'application/json; charset=utf-8')
    t.equal(new Response().headers.get('content-type'), null)
    t.end()
  })

  t.test('can be changed until it leaves', t => {
    const response = text('a')
    response.status = 503
    response.cookies.set('a', 'b')

    t.equal(response.ok, false)
    t.equal(empty().ok, true)
    t.equal(response.sent, false)
    t.equal(response.markSent(), true)
    t.equal(response.sent, true)
    t.end()
  })

  t.test('refuses statuses that are none, and bodies where none may be', t => {
    const response = text('a')

    t.throws(() => (response.status = 199), RangeError)
    t.throws(() => text('a', { status: 600 }), RangeError)
    t.throws(() => text('a', { status: 204 }), /status 204 with a body/)
    t.throws(() => new Response({} as never), /of type object/)
    t.end()
  })

  t.test('refuses what JSON cannot express', t => {
    t.throws(() => json(undefined), /the value is undefined/)
    t.throws(() => json(() => {}), /the value is function/)
    t.throws(() => json(1n), TypeError)
    t.end()
  })

  t.end()
})

t.test('redirect', t => {
  t.test('encodes what may not stand in a URL, and nothing twice (P18)', t => {
    const location = (to: string) => redirect(to).headers.get('location')

    t.equal(location('/a b?c=d%20e'), '/a%20b?c=d%20e')
    t.equal(location('/приве́т'), '/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%CC%81%D1%82')
    t.equal(location('/\\evil.example'), '/%5Cevil.example')
    t.equal(location('/"><script>'), '/%22%3E%3Cscript%3E')
    t.equal(location('/100%'), '/100%25')
    t.equal(redirect(new URL('https://a.example/'), 308).status, 308)
    t.end()
  })

  t.test('refuses control characters, other schemes and other statuses (P18)', t => {
    t.throws(() => redirect(''), TypeError)
    t.throws(() => redirect('/a\r\nb'), TypeError)
    t.throws(() => redirect('javascript:alert(1)'), /"javascript:" address/)
    t.throws(() => redirect(' data:text/html,x'), TypeError)
    t.throws(() => redirect('/', 304 as 302), RangeError)
    t.end()
  })

  t.end()
})
