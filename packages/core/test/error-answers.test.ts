import {
  Application,
  createLogger,
  HttpError,
  HttpNotFound,
  HttpServiceUnavailable,
  HttpUnprocessableContent,
  text,
  ValidationError,
} from '@allium/core'
import { requestId } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})
const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

overEachTransport('the built-in answer for an error', (t, transport) => {
  t.test('is text, a page or problem details, as the client likes it', async t => {
    const app = new Application({ logger: silent })
    const client = await testClient(t, app, { transport })

    for (const [accept, type] of [
      [undefined, 'text/plain; charset=utf-8'],
      ['*/*', 'text/plain; charset=utf-8'],
      ['text/plain', 'text/plain; charset=utf-8'],
      [browser, 'text/html; charset=utf-8'],
      ['application/json', 'application/problem+json'],
      ['application/problem+json, application/json;q=0.9', 'application/problem+json'],
      ['application/json, text/plain, */*', 'application/problem+json'],
      ['image/png', 'text/plain; charset=utf-8'],
      ['"', 'text/plain; charset=utf-8'],
    ]) {
      const response = await client.get('/missing', { headers: { accept } })
      t.equal(response.status, 404)
      t.equal(response.headers.get('content-type'), type, accept ?? 'nothing')
      t.equal(response.headers.get('vary'), 'Accept')
    }
  })

  t.test('as problem details names status and message, and the request if that has an id', async t => {
    const app = new Application({ logger: silent })
    app.get('/teapot', () => Promise.reject(new HttpError(418, 'Short and stout')))
    app.get('/odd', () => Promise.reject(new HttpError(599)))
    app.get('/fails', () => Promise.reject(new Error('secret')))
    const client = await testClient(t, app, { transport, headers: { accept: 'application/json' } })
    const problem = async (path: string): Promise<unknown> => (await client.get(path)).json()

    const type = 'about:blank'
    t.strictSame(await problem('/missing'), { type, title: 'Not Found', status: 404 })
    t.strictSame(await problem('/teapot'), {
      type,
      title: "I'm a Teapot",
      status: 418,
      detail: 'Short and stout',
    })
    t.strictSame(await problem('/odd'), { type, title: 'Error', status: 599 })
    t.strictSame(await problem('/fails'), { type, title: 'Internal Server Error', status: 500 })
  })

  t.test('carries the id of the request as its instance, if that is a UUID', async t => {
    const app = new Application({ logger: silent, middlewares: [requestId({ trustIncoming: true })] })
    const client = await testClient(t, app, { transport, headers: { accept: 'application/json' } })

    const made = await client.get('/')
    const taken = await client.get('/', { headers: { 'x-request-id': 'abc' } })

    t.match(await made.json(), { instance: `urn:uuid:${made.headers.get('x-request-id')}` })
    t.notMatch(await taken.json(), { instance: String })
  })

  t.test('lists what a schema found wrong', async t => {
    const issues = [
      { message: 'Required', path: ['items', 0, 'name'] },
      { message: 'Too <small>', path: [] },
    ]
    const app = new Application({ logger: silent })
    app.get('/', () => Promise.reject(new ValidationError(issues, 'The body does not fit')))
    const client = await testClient(t, app, { transport })
    const answer = async (accept: string) => (await client.get('/', { headers: { accept } })).text()

    t.strictSame(JSON.parse(await answer('application/json')), {
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      detail: 'The body does not fit',
      issues,
    })
    t.equal(await answer('*/*'), '422: The body does not fit\nitems.0.name: Required\nToo <small>\n')
    t.match(
      await answer(browser),
      /<p>The body does not fit\nitems\.0\.name: Required\nToo &lt;small&gt;<\/p>/,
    )
  })

  t.test('escapes what comes from outside, and lets nothing run (P32)', async t => {
    const app = new Application({ logger: silent })
    app.get('/:name', ({ params }) => {
      throw new HttpNotFound(`There is no <${params.name}> & "so" 'on'`)
    })
    const client = await testClient(t, app, { transport })

    const response = await client.get('/<script>', { headers: { accept: browser } })

    t.match(
      await response.text(),
      /<p>There is no &lt;&lt;script&gt;&gt; &amp; &quot;so&quot; &#39;on&#39;<\/p>/,
    )
    t.match(response.headers.get('content-security-policy'), /default-src 'none'/)
    t.equal(response.headers.get('x-content-type-options'), 'nosniff')
  })

  t.test('keeps headers and cookies of the error, but for the type of what it sends', async t => {
    const app = new Application({ logger: silent })
    app.get('/', () => {
      const error = new HttpUnprocessableContent('No', {
        headers: { 'content-security-policy': 'own', 'content-type': 'image/png', vary: 'Cookie' },
      })
      error.cookies.set('a', 'b')
      throw error
    })
    const client = await testClient(t, app, { transport })

    const { headers } = await client.get('/', { headers: { accept: browser } })

    t.equal(headers.get('content-security-policy'), 'own')
    t.equal(headers.get('content-type'), 'text/html; charset=utf-8')
    t.equal(headers.get('vary'), 'Cookie, Accept')
    t.match(headers.getSetCookie(), [/^a=b/])
  })

  t.test('to HEAD is the head alone', async t => {
    const client = await testClient(t, new Application({ logger: silent }), { transport })
    const headers = { accept: browser }

    const head = await client.request('HEAD', '/', { headers })
    const get = await client.get('/', { headers })

    t.equal(await head.text(), '')
    t.equal(head.headers.get('content-length'), get.headers.get('content-length'))
  })
})

overEachTransport('in debug mode', (t, transport) => {
  const secretFields = {
    authorization: 'Bearer s3cret',
    cookie: 'sid=s3cret',
    'proxy-authorization': 'Basic s3cret',
    'X-Api-Key': 's3cret',
    referer: 'http://a/?x=1&TOKEN=s3cret&token',
    'x-shown': '<b>shown</b>',
  }

  t.test('stack, route and request are shown in every form, secrets are not (P34)', async t => {
    const app = new Application({ name: 'shop', logger: silent, debug: true, redact: ['X-API-Key', 'token'] })
    app.get('/users/:id', () => {
      throw new Error('<outer>', { cause: new TypeError('inner') })
    })
    const client = await testClient(t, app, { transport })

    for (const accept of ['text/plain', 'text/html', 'application/json']) {
      const response = await client.get('/users/1?to%6ben=s3cret&a=b', {
        headers: { ...secretFields, accept },
      })
      const body = await response.text()
      t.equal(response.status, 500)
      for (const part of [
        /outer/,
        /caused by: TypeError: inner/,
        /at .*error-answers/,
        /GET \/users\/:id/,
        /shop/,
      ]) {
        t.match(body, part, `${accept} ${part}`)
      }
      t.match(body, /GET \/users\/1\?to%6ben=\[redacted\]&(?:amp;)?a=b HTTP\/1\.1/)
      t.match(body, /authorization: \[redacted\]/)
      t.match(body, /x-shown/)
      t.notMatch(body, /s3cret/)
      t.notMatch(body, process.env['PATH'])
      if (accept === 'text/html') t.notMatch(body, /<b>|<outer>/)
    }
  })

  t.test('errors of the client stay as they are, those of the server show their cause', async t => {
    const app = new Application({ logger: silent, debug: true })
    app.get('/503', () => {
      throw new HttpServiceUnavailable('Later', { cause: new Error('the pool is empty') })
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.get('/404')).text(), '404: Not Found\n')
    t.match(await (await client.get('/503')).text(), /^503: Later\n[^]*caused by: Error: the pool is empty/)
  })

  t.test('whatever is thrown is described, or it is said that it cannot be', async t => {
    const cyclic = new Error('cyclic')
    cyclic.cause = cyclic
    const evil = Object.defineProperty(new Error('evil'), 'cause', {
      get() {
        throw new Error('trap')
      },
    })
    const thrown: [unknown, RegExp][] = [
      ['text', /\ntext\n/],
      [null, /\nnull\n/],
      [undefined, /\n\n/],
      [{ a: 1 }, /\{ a: 1 \}/],
      [cyclic, /(?:Error: cyclic[^]*){8}/],
      [evil, /an error that cannot be described/],
    ]
    const app = new Application({ logger: silent, debug: true })
    app.get('/:n', async ({ params }) => {
      throw thrown[Number(params.n)]![0]
    })
    const client = await testClient(t, app, { transport })

    for (const [n, [, shown]] of thrown.entries()) t.match(await (await client.get(`/${n}`)).text(), shown)
  })

  t.test('a mounted application is as the one around it, unless it says otherwise', async t => {
    const app = new Application({ logger: silent, debug: true, redact: ['x-outer'] })
    const heir = new Application({ logger: silent, redact: ['x-inner'] })
    const other = new Application({ logger: silent, debug: false })
    for (const mounted of [heir, other]) mounted.get('/', () => Promise.reject(new Error('secret')))
    app.mount('/heir', heir)
    app.mount('/other', other)
    const client = await testClient(t, app, {
      transport,
      headers: { 'x-outer': 's3cret', 'x-inner': 's3cret' },
    })

    const shown = await (await client.get('/heir')).text()
    t.match(shown, /secret/)
    t.notMatch(shown, /s3cret/)
    t.equal(await (await client.get('/other')).text(), '500: Internal Server Error\n')
  })

  t.test('a response that cannot be sent is shown as well', async t => {
    const app = new Application({ logger: silent, debug: true })
    const same = text('same')
    app.get('/', () => same)
    const client = await testClient(t, app, { transport })
    await client.get('/')

    t.match(await (await client.get('/')).text(), /Cannot send a response twice/)
  })
})

t.test('a route is named, or said to be none, in the report', async t => {
  const app = new Application({ logger: silent, debug: true })
  app.use(async (request, next) => {
    await next(request)
    throw new Error('always')
  })
  const client = await testClient(t, app)

  t.match(await (await client.get('/missing')).text(), /no route, in application "app"/)
})
