import { Readable } from 'node:stream'
import t from 'tap'

import { prepareRequest } from './request-init.ts'
import type { RequestHeadersInit, TestRequestInit } from './request-init.ts'

function prepare(init: TestRequestInit, ...defaults: RequestHeadersInit[]) {
  const { path, headers, body } = prepareRequest('post', '/', init, defaults)
  return {
    path,
    headers: Object.fromEntries(headers),
    body: body instanceof Uint8Array ? String(body) : body,
  }
}

t.test('the method is sent in upper case, the path as it is', async t => {
  t.match(prepareRequest('get', '/a%2Fb?c=1', {}, []), { method: 'GET', path: '/a%2Fb?c=1', body: undefined })
  t.equal(prepareRequest('OPTIONS', '*', {}, []).path, '*')
})

t.test('a query is appended', async t => {
  const query = { a: [1, 2n, true], b: 'ä &', none: undefined }

  t.equal(prepare({ query }).path, '/?a=1&a=2&a=true&b=%C3%A4+%26')
  t.equal(prepareRequest('GET', '/?x', { query: new URLSearchParams('y=1') }, []).path, '/?x&y=1')
  t.equal(prepare({ query: {} }).path, '/')
})

t.test('a route makes its own path', async t => {
  const route = { path: '/users/:id', url: ({ id }: { id: number }) => `/mounted/users/${id}` }

  t.equal(
    prepareRequest('GET', route, { params: { id: 7 }, query: { q: 1 } }, []).path,
    '/mounted/users/7?q=1',
  )
  t.throws(
    () => prepareRequest('GET', '/x', { params: {} }, []),
    TypeError('Cannot request "/x": params need a route, this is a path'),
  )
})

t.test('what is no path is refused', async t => {
  for (const path of ['', 'users', 'http://localhost/']) {
    t.throws(
      () => prepareRequest('GET', path, {}, []),
      TypeError(`Cannot request "${path}": a path begins with "/"`),
    )
  }
})

t.test('headers of the request stand before those of the client', async t => {
  const { headers } = prepare(
    { headers: { A: '1', B: undefined, list: ['x', 'y'] } },
    { a: '2', b: '2', c: 2 },
    { c: '3', d: '3' },
  )

  t.same(headers, { a: '1', c: '2', d: '3', list: ['x', 'y'] })
})

t.test('headers may be pairs, of which one name may come twice', async t => {
  t.same(
    prepare(
      {
        headers: [
          ['A', '1'],
          ['a', '2'],
          ['b', '3'],
        ],
      },
      { a: '0' },
    ).headers,
    { a: ['1', '2'], b: '3' },
  )
})

t.test('each kind of body brings its headers', async t => {
  const json = { 'content-type': 'application/json', 'content-length': '7' }
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '7' }

  t.match(prepare({ json: { a: 1 } }), { headers: json, body: '{"a":1}' })
  t.match(prepare({ json: null }), { body: 'null' })
  t.match(prepare({ form: { a: [1, 2] } }), { headers: form, body: 'a=1&a=2' })
  t.same(prepare({ body: 'ä' }), { path: '/', headers: { 'content-length': '2' }, body: 'ä' })
  t.match(prepare({ body: new Uint8Array([65]) }), { headers: { 'content-length': '1' } })
})

t.test('a stream is sent in chunks', async t => {
  const stream = Readable.from(['a'])
  async function* generate() {
    yield 'a'
  }

  t.same(prepare({ body: stream }).headers, { 'transfer-encoding': 'chunked' })
  t.equal(prepareRequest('GET', '/', { body: stream }, []).body, stream)
  t.ok(prepareRequest('GET', '/', { body: generate() }, []).body instanceof Readable)
})

t.test('headers about the body that were given are left alone', async t => {
  const headers = { 'content-type': undefined, 'content-length': 9 }

  t.same(prepare({ json: 1, headers }).headers, { 'content-length': '9' })
  t.same(prepare({ body: 'x', headers: { 'transfer-encoding': 'gzip' } }).headers, {
    'transfer-encoding': 'gzip',
  })
})

t.test('what cannot be a body is refused', async t => {
  t.throws(
    () => prepare({ json: 1, form: {} }),
    TypeError('Cannot send a request with both "json" and "form"'),
  )
  t.throws(
    () => prepare({ json: 1, body: '' }),
    TypeError('Cannot send a request with both "json" and "body"'),
  )
  t.throws(() => prepare({ json: () => 1 }), TypeError('Cannot send a function as JSON'))
})
