import { Application, AppRunner, createLogger, text } from '@allium/core'
import { memorySocketPair } from '@allium/core/memory-socket'
import { cspNonce, securityHeaders } from '@allium/core/middlewares'
import type { SecurityHeadersOptions } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

const standard = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'cross-origin-opener-policy': 'same-origin',
}

function createApp(options?: SecurityHeadersOptions): Application {
  const app = new Application({
    logger: createLogger('error', () => {}),
    middlewares: [securityHeaders(options)],
  })
  app.get('/', request => text(cspNonce(request)))
  app.get('/own', () =>
    text('x', { headers: { 'x-frame-options': 'DENY', 'content-security-policy': 'own' } }),
  )
  app.get('/fails', () => Promise.reject(new Error('secret')))
  return app
}

overEachTransport('securityHeaders', (t, transport) => {
  t.test('are on every answer, without what only https may say', async t => {
    const client = await testClient(t, createApp(), { transport })

    for (const path of ['/', '/fails', '/missing', '/%']) {
      const { headers } = await client.get(path)
      for (const [name, value] of Object.entries(standard))
        t.equal(headers.get(name), value, `${path} ${name}`)
      t.equal(headers.get('strict-transport-security'), null)
      t.equal(headers.get('content-security-policy'), null)
    }
  })

  t.test('leave what the handler has set', async t => {
    const client = await testClient(t, createApp({ contentSecurityPolicy: () => 'general' }), { transport })

    const { headers } = await client.get('/own')

    t.equal(headers.get('x-frame-options'), 'DENY')
    t.equal(headers.get('content-security-policy'), 'own')
  })

  t.test('carry a policy with a nonce that the page knows, new for each request', async t => {
    const contentSecurityPolicy = (request: Parameters<typeof cspNonce>[0]) => `'nonce-${cspNonce(request)}'`
    const client = await testClient(t, createApp({ contentSecurityPolicy }), { transport })

    const [one, two] = [await client.get('/'), await client.get('/')]

    t.equal(one.headers.get('content-security-policy'), `'nonce-${await one.text()}'`)
    t.equal(two.headers.get('content-security-policy'), `'nonce-${await two.text()}'`)
    t.not(one.headers.get('content-security-policy'), two.headers.get('content-security-policy'))
  })
})

t.test('securityHeaders leaves out what is false and sends what is given', async t => {
  const off = { hsts: false, frameOptions: false, referrerPolicy: false, openerPolicy: false } as const
  const client = await testClient(
    t,
    createApp({ ...off, contentSecurityPolicy: "default-src 'self'", permissionsPolicy: 'camera=()' }),
  )

  const { headers } = await client.get('/')

  t.equal(headers.get('x-content-type-options'), 'nosniff')
  t.equal(headers.get('content-security-policy'), "default-src 'self'")
  t.equal(headers.get('permissions-policy'), 'camera=()')
  for (const name of Object.keys(standard).slice(1)) t.equal(headers.get(name), null, name)
})

t.test('Strict-Transport-Security is sent over https', async t => {
  t.equal(await hstsOver('https', {}), 'max-age=31536000')
  t.equal(
    await hstsOver('https', { hsts: { maxAge: 60, includeSubDomains: true, preload: true } }),
    'max-age=60; includeSubDomains; preload',
  )
  t.equal(await hstsOver('https', { hsts: false }), undefined)
  t.equal(await hstsOver('http', {}), undefined)
  for (const maxAge of [-1, 1.5, NaN]) t.throws(() => securityHeaders({ hsts: { maxAge } }), RangeError)
})

/** What the field says when the connection is encrypted, or is not. */
async function hstsOver(scheme: string, options: SecurityHeadersOptions): Promise<string | undefined> {
  await using runner = new AppRunner(createApp(options))
  await runner.startup()
  const { client, server } = memorySocketPair({ encrypted: scheme === 'https' })
  runner.accept(server)
  client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  let answer = ''
  for await (const chunk of client) answer += String(chunk)
  return /^strict-transport-security: (.*)\r$/m.exec(answer)?.[1]
}
