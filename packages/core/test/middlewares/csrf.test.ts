import { Application, text } from '@allium/core'
import { csrf } from '@allium/core/middlewares'
import type { CsrfOptions } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

function createApp(options?: CsrfOptions): Application {
  const app = new Application({ middlewares: [csrf(options)] })
  app.any('/', () => text('done'))
  return app
}

overEachTransport('csrf', (t, transport) => {
  t.test('refuses what a page of another origin makes a browser send', async t => {
    const client = await testClient(t, createApp(), { transport })

    for (const [headers, status] of [
      [{}, 200],
      [{ 'sec-fetch-site': 'same-origin' }, 200],
      [{ 'sec-fetch-site': 'same-origin', origin: 'null' }, 200],
      [{ 'sec-fetch-site': 'none' }, 200],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'cross-site', origin: 'https://shop.example' }, 403],
      [{ 'sec-fetch-site': '' }, 403],
      [{ origin: 'https://shop.example' }, 200],
      [{ origin: 'http://shop.example' }, 200],
      [{ origin: 'https://shop.example:8443' }, 403],
      [{ origin: 'https://shop.example.evil' }, 403],
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ origin: 'about:blank' }, 403],
      [{ origin: '' }, 403],
    ] as const) {
      const response = await client.post('/', { headers: { host: 'shop.example', ...headers } })
      t.equal(response.status, status, JSON.stringify(headers))
    }
  })

  t.test('takes the default port for the host without it', async t => {
    const client = await testClient(t, createApp(), { transport })
    const status = async (host: string, origin: string) =>
      (await client.put('/', { headers: { host, origin } })).status

    t.equal(await status('SHOP.example:443', 'https://shop.example'), 200)
    t.equal(await status('shop.example:80', 'https://shop.example'), 403)
    t.equal(await status('[::1]:8080', 'http://[::1]:8080'), 200)
  })

  t.test('lets safe methods and trusted origins pass', async t => {
    const client = await testClient(t, createApp({ trustedOrigins: 'https://accounts.example' }), {
      transport,
    })
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    const trusted = { 'sec-fetch-site': 'cross-site', origin: 'https://accounts.example' }

    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      t.equal((await client.request(method, '/', { headers })).status, 200, method)
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      t.equal((await client.request(method, '/', { headers })).status, 403, method)
      t.equal((await client.request(method, '/', { headers: trusted })).status, 200, method)
    }
  })
})

t.test('csrf refuses a trusted origin that would never match', async t => {
  t.throws(() => csrf({ trustedOrigins: 'accounts.example' }), TypeError)
})
