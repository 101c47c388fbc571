import { Application, createLogger, text } from '@allium/core'
import { requestId, requestIdKey } from '@allium/core/middlewares'
import type { RequestIdOptions } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

function createApp(options?: RequestIdOptions): Application {
  const app = new Application({ logger: createLogger('error', () => {}), middlewares: [requestId(options)] })
  app.get('/', request => text(request.state.get(requestIdKey)))
  app.get('/fails', () => Promise.reject(new Error('secret')))
  return app
}

overEachTransport('requestId', (t, transport) => {
  t.test('gives each request an id, in its state and in the answer', async t => {
    const client = await testClient(t, createApp(), { transport })
    const seen = new Set<string | null>()

    for (const path of ['/', '/', '/fails', '/missing', '/%']) {
      const response = await client.get(path)
      const id = response.headers.get('x-request-id')
      t.match(id, /^[0-9a-f-]{36}$/, path)
      if (path === '/') t.equal(await response.text(), id)
      seen.add(id)
    }
    t.equal(seen.size, 5)
  })

  t.test('takes an id from outside only when that is trusted and well-formed', async t => {
    const strict = await testClient(t, createApp(), { transport })
    const open = await testClient(t, createApp({ trustIncoming: true }), { transport })
    const idOf = async (client: typeof open, id: string) =>
      (await client.get('/', { headers: { 'x-request-id': id } })).text()

    t.not(await idOf(strict, 'abc'), 'abc')
    for (const id of ['abc', 'A-1_2.3+4/5=6:7@8~9', 'x'.repeat(128)]) t.equal(await idOf(open, id), id)
    for (const id of ['', 'a b', 'a,b', '<p>', 'x'.repeat(129), 'a"']) {
      t.match(await idOf(open, id), /^[0-9a-f-]{36}$/, id)
    }
  })
})

t.test('field, trust and generator of requestId are the caller’s', async t => {
  const options = {
    header: 'X-Trace',
    trustIncoming: ({ query }: { query: URLSearchParams }) => query.has('trusted'),
    generate: () => 'made',
  }
  const client = await testClient(t, createApp(options))
  const headers = { 'x-trace': 'sent' }

  t.equal((await client.get('/', { headers })).headers.get('x-trace'), 'made')
  t.equal((await client.get('/?trusted', { headers })).headers.get('x-trace'), 'sent')
  t.throws(() => requestId({ header: 'a b' }), TypeError)
})
