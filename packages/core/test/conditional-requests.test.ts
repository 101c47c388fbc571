import { Application, checkConditions, empty, json, requestedRanges, text } from '@allium/core'
import type { Validators } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

const CHANGED = new Date('2026-01-02T03:04:05.678Z')
const CHANGED_FIELD = 'Fri, 02 Jan 2026 03:04:05 GMT'

/** An application whose note has these validators. */
function noteApp(validators: Validators | undefined): Application {
  const app = new Application()
  app.any('/note', request => checkConditions(request, validators) ?? text('note'))
  return app
}

t.test('the conditions of a request are there as values', async t => {
  const app = new Application()
  app.get('/', ({ conditions }) => json(conditions))
  const client = await testClient(t, app)

  const headers = {
    'if-match': '"a", W/"b"',
    'if-none-match': '*',
    'if-modified-since': CHANGED_FIELD,
    'if-unmodified-since': 'Friday, 02-Jan-26 03:04:05 GMT',
    'if-range': 'W/"c"',
  }
  t.strictSame(await (await client.get('/', { headers })).json(), {
    ifMatch: [
      { value: 'a', isWeak: false },
      { value: 'b', isWeak: true },
    ],
    ifNoneMatch: '*',
    ifModifiedSince: '2026-01-02T03:04:05.000Z',
    ifUnmodifiedSince: '2026-01-02T03:04:05.000Z',
    ifRange: { value: 'c', isWeak: true },
  })
  t.strictSame(await (await client.get('/', { headers: { 'if-range': CHANGED_FIELD } })).json(), {
    ifRange: '2026-01-02T03:04:05.000Z',
  })
})

t.test('conditions that are missing or malformed are undefined', async t => {
  const app = new Application()
  app.get('/', ({ conditions }) => json(conditions))
  const client = await testClient(t, app)

  const headers = {
    'if-modified-since': 'soon',
    'if-unmodified-since': '0',
    'if-range': 'x',
    'if-match': 'a',
  }
  t.strictSame(await (await client.get('/', { headers })).json(), { ifMatch: [] })
})

t.test('a handler answers 304 for what the client has, with the validators', async t => {
  const client = await testClient(t, noteApp({ etag: 'W/"1"', lastModified: CHANGED }))

  const response = await client.get('/note', { headers: { 'if-none-match': '"1"' } })

  t.equal(response.status, 304)
  t.equal(response.headers.get('etag'), 'W/"1"')
  t.equal(response.headers.get('last-modified'), CHANGED_FIELD)
  t.equal(response.headers.get('content-type'), null)
  t.equal((await client.get('/note', { headers: { 'if-none-match': '"2"' } })).status, 200)
})

t.test('one validator is enough', async t => {
  const tagged = await testClient(t, noteApp({ etag: '"1"' }))
  const dated = await testClient(t, noteApp({ lastModified: CHANGED }))

  t.equal((await tagged.head('/note', { headers: { 'if-none-match': '"1"' } })).status, 304)
  t.equal((await dated.get('/note', { headers: { 'if-modified-since': CHANGED_FIELD } })).status, 304)
})

t.test('a change of what the client has not seen is 412', async t => {
  const client = await testClient(t, noteApp({ etag: '"2"' }))

  t.equal((await client.put('/note', { headers: { 'if-match': '"1"' } })).status, 412)
  t.equal((await client.put('/note', { headers: { 'if-match': '"2"' } })).status, 200)
  t.equal((await client.put('/note', { headers: { 'if-none-match': '*' } })).status, 412)
})

t.test('what is to be made new may not be there', async t => {
  const client = await testClient(t, noteApp(undefined))

  t.equal((await client.put('/note', { headers: { 'if-none-match': '*' } })).status, 200)
  t.equal((await client.put('/note', { headers: { 'if-match': '*' } })).status, 412)
})

t.test('an entity tag without quotes is a mistake', async t => {
  const app = new Application()
  app.get('/', request => {
    t.throws(() => checkConditions(request, { etag: 'v1' }), /"v1" as|v1 as an entity tag.* double quotes/)
    return empty()
  })
  const client = await testClient(t, app)

  t.equal((await client.get('/')).status, 204)
})

t.test('a handler learns which parts of its representation are wanted', async t => {
  const app = new Application()
  app.any('/', request => {
    return json(requestedRanges(request, { size: 10, etag: '"1"', lastModified: CHANGED }) ?? 'whole')
  })
  const client = await testClient(t, app)
  const ask = async (headers: Record<string, string>) => (await client.get('/', { headers })).json()

  t.same(await ask({ range: 'bytes=0-1,5-' }), [{ first: 0, last: 1 }, { first: 5, last: 9 }]) // prettier-ignore
  t.equal(await ask({}), 'whole')
  t.equal(await ask({ range: 'pages=1-2' }), 'whole')
  t.equal(await (await client.post('/', { headers: { range: 'bytes=0-1' } })).json(), 'whole')
})

t.test('ranges of something else than the client has a part of are not sent (RFC 9110 §13.1.5)', async t => {
  const app = new Application()
  let current: Validators = { etag: '"1"', lastModified: CHANGED }
  app.get('/', request => json(requestedRanges(request, { size: 10, ...current })?.length ?? 'whole'))
  const client = await testClient(t, app)
  const ask = async (ifRange: string) => {
    return (await client.get('/', { headers: { range: 'bytes=0-1', 'if-range': ifRange } })).json()
  }

  t.equal(await ask('"1"'), 1)
  t.equal(await ask('"2"'), 'whole')
  t.equal(await ask('W/"1"'), 'whole')
  t.equal(await ask(CHANGED_FIELD), 1)
  t.equal(await ask('Fri, 02 Jan 2026 03:04:06 GMT'), 'whole')
  t.equal(await ask('1'), 'whole')
  current = { etag: 'W/"1"' }
  t.equal(await ask('W/"1"'), 'whole')
  t.equal(await ask(CHANGED_FIELD), 'whole')
  current = {}
  t.equal(await ask('"1"'), 'whole')
})

t.test('ranges outside are 416, which tells the size', async t => {
  const app = new Application()
  app.get('/', request => json(requestedRanges(request, { size: 10 })))
  const client = await testClient(t, app)

  const response = await client.get('/', { headers: { range: 'bytes=10-' } })

  t.equal(response.status, 416)
  t.equal(response.headers.get('content-range'), 'bytes */10')
})
