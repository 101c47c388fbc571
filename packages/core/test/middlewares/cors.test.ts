import { Application, createLogger, HttpForbidden, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { cors, corsPolicy } from '@allium/core/middlewares'
import type { CorsOptions } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import type { TestResponse } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

const silent = createLogger('error', () => {})
const shop = 'https://shop.example'

function createApp(options: CorsOptions, ...inner: Middleware[]): Application {
  const app = new Application({ logger: silent, middlewares: [cors(options), ...inner] })
  app.get('/', () => text('x', { headers: { 'x-total': '1' } }))
  app.get('/own', () => text('x', { headers: { 'access-control-allow-origin': 'https://own.example' } }))
  app.get('/fails', () => Promise.reject(new Error('secret')))
  app.get('/open', () => text('x'), { meta: [corsPolicy({ origin: '*' })] })
  app.get('/closed', () => text('x'), { meta: [corsPolicy(false)] })
  return app
}

function allowed({ headers }: TestResponse): string {
  const names = ['origin', 'credentials', 'methods', 'headers']
  return names.map(name => headers.get(`access-control-allow-${name}`) ?? '-').join(' ')
}

function preflight(method: string, headers?: string): Record<string, string> {
  return {
    origin: shop,
    'access-control-request-method': method,
    ...(headers === undefined ? {} : { 'access-control-request-headers': headers }),
  }
}

overEachTransport('cors', (t, transport) => {
  t.test('marks every answer, errors and misses too, and tells caches why', async t => {
    const client = await testClient(t, createApp({ origin: shop, credentials: true }), { transport })

    for (const path of ['/', '/fails', '/missing', '/%']) {
      const response = await client.get(path, { headers: { origin: shop } })
      t.equal(allowed(response), `${shop} true - -`, path)
      t.match(response.headers.get('vary'), /\bOrigin\b/)
    }
    t.equal(allowed(await client.post('/', { headers: { origin: shop } })), `${shop} true - -`)
  })

  t.test('marks nothing for another origin or none, and serves it', async t => {
    const client = await testClient(t, createApp({ origin: shop }), { transport })

    for (const origin of ['https://evil.example', `${shop}.evil`, 'http://shop.example', 'null', undefined]) {
      const response = await client.get('/', { headers: { origin } })
      t.equal(`${response.status} ${allowed(response)}`, '200 - - - -', String(origin))
      t.match(response.headers.get('vary'), /\bOrigin\b/)
    }
  })

  t.test('answers a preflight before what demands credentials', async t => {
    const guard: Middleware = () => Promise.reject(new HttpForbidden())
    const client = await testClient(t, createApp({ origin: shop, maxAge: 600 }, guard), { transport })

    const response = await client.request('OPTIONS', '/', {
      headers: preflight('DELETE', 'content-type, x-anything'),
    })

    t.equal(`${response.status} ${allowed(response)}`, `204 ${shop} - DELETE content-type, x-anything`)
    t.equal(response.headers.get('access-control-max-age'), '600')
    t.equal((await client.request('OPTIONS', '/')).status, 403)
  })

  t.test('answers a preflight that it refuses without a word', async t => {
    const options = { origin: shop, methods: ['GET', 'put'], allowHeaders: ['X-One', 'x-two'] }
    const client = await testClient(t, createApp(options), { transport })

    for (const [method, fields, answer] of [
      ['PUT', 'X-ONE , x-two', `${shop} - PUT X-ONE , x-two`],
      ['PUT', '', `${shop} - PUT -`],
      ['DELETE', undefined, '- - - -'],
      ['__proto__', undefined, '- - - -'],
      ['PUT', 'x-three', '- - - -'],
      ['PUT', 'x-one,', '- - - -'],
      ['PUT', 'x-one: y', '- - - -'],
    ] as const) {
      const response = await client.request('OPTIONS', '/', { headers: preflight(method, fields) })
      t.equal(`${response.status} ${allowed(response)}`, `204 ${answer}`, `${method} ${fields}`)
    }
    const stranger = { ...preflight('GET'), origin: 'https://evil.example' }
    t.equal(allowed(await client.request('OPTIONS', '/', { headers: stranger })), '- - - -')
  })

  t.test('leaves what a handler decided, and OPTIONS that are no preflight', async t => {
    const client = await testClient(t, createApp({ origin: shop }), { transport })

    const own = await client.get('/own', { headers: { origin: shop } })
    const options = await client.request('OPTIONS', '/', { headers: { origin: shop } })

    t.equal(own.headers.get('access-control-allow-origin'), 'https://own.example')
    t.equal(options.headers.get('allow'), 'GET, HEAD, OPTIONS')
  })

  t.test('gives way to the rules of a route, for its preflights too', async t => {
    const client = await testClient(t, createApp({ origin: shop }), { transport })
    const headers = { ...preflight('HEAD'), origin: 'https://evil.example' }

    t.equal(allowed(await client.request('OPTIONS', '/open', { headers })), '* - HEAD -')
    t.equal(allowed(await client.get('/open', { headers })), '* - - -')
    t.equal((await client.get('/open')).headers.get('vary'), null)
    t.equal(allowed(await client.get('/closed', { headers: { origin: shop } })), '- - - -')
    t.equal(
      (await client.request('OPTIONS', '/closed', { headers: preflight('GET') })).headers.get('allow'),
      'GET, HEAD, OPTIONS',
    )
  })
})

t.test('an origin is allowed by text, whole expression, list or function', async t => {
  const table: [CorsOptions['origin'], string, boolean][] = [
    ['*', 'https://any.example', true],
    [undefined, shop, false],
    ['null', 'null', true],
    ['capacitor://localhost', 'capacitor://localhost', true],
    [/https:\/\/(a|b)\.example/g, 'https://b.example', true],
    [/https:\/\/(a|b)\.example/, 'https://b.example.evil', false],
    [/a\.example|https:\/\/b/, 'https://a.example', false],
    [['https://a.example', /https:\/\/b/i], 'HTTPS://B', true],
    [async origin => origin.endsWith('.example'), shop, true],
    [(_, request) => request.path === '/x', shop, false],
  ]
  for (const [origin, sent, expected] of table) {
    const client = await testClient(t, createApp({ origin }))
    for (let repeats = 0; repeats < 2; repeats++) {
      const response = await client.get('/', { headers: { origin: sent } })
      const answer = origin === '*' ? '*' : sent
      t.equal(response.headers.get('access-control-allow-origin'), expected ? answer : null, sent)
    }
  }
})

t.test('fields are shown to scripts by name, or all of them', async t => {
  const table: [CorsOptions, string | null][] = [
    [{}, null],
    [{ exposeHeaders: ['X-Total', 'ETag'] }, 'X-Total, ETag'],
    [{ exposeHeaders: '*' }, '*'],
  ]
  for (const [options, exposed] of table) {
    const client = await testClient(t, createApp({ origin: shop, ...options }))
    const response = await client.get('/', { headers: { origin: shop } })
    t.equal(response.headers.get('access-control-expose-headers'), exposed)
  }
  const client = await testClient(t, createApp({ origin: shop, exposeHeaders: '*', credentials: true }))
  const response = await client.get('/', { headers: { origin: shop } })
  t.match(response.headers.get('access-control-expose-headers'), /^x-total, /)
})

t.test('cors refuses what would be unsafe or never match', async t => {
  for (const options of [
    { origin: '*', credentials: true },
    { origin: 'https://shop.example/' },
    { origin: 'shop.example' },
    { origin: 'HTTPS://shop.example' },
    { methods: ['GET, POST'] },
    { allowHeaders: ['x y'] },
    { exposeHeaders: [''] },
  ] satisfies CorsOptions[]) {
    t.throws(() => cors(options), TypeError, JSON.stringify(options))
    t.throws(() => corsPolicy(options), TypeError)
  }
  for (const maxAge of [-1, 0.5, NaN, Infinity]) t.throws(() => cors({ maxAge }), RangeError)
})
