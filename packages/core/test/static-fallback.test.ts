import { symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { Application, text } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { assets, SITE } from './site.ts'

t.test('a fallback answers navigations to where no file is', async t => {
  const client = await testClient(t, assets(t, { fallback: 'index.html', maxAge: 60 }).app)
  const navigation = { accept: 'text/html,application/xhtml+xml', 'sec-fetch-mode': 'navigate' }
  const table: [Record<string, string>, number][] = [
    [navigation, 200],
    [{ accept: 'text/html' }, 200],
    [{ accept: '*/*' }, 404],
    [{ accept: 'text/html', 'sec-fetch-mode': 'cors' }, 404],
    [{ accept: 'application/json' }, 404],
    [{}, 404],
  ]

  for (const [headers, status] of table) {
    const response = await client.get('/assets/users/42', { headers })
    t.equal(response.status, status, JSON.stringify(headers))
    t.match(response.headers.get('vary'), /Accept, Sec-Fetch-Mode/)
    if (status === 200) t.equal(await response.text(), '<h1>Home</h1>')
    if (status === 200) t.equal(response.headers.get('cache-control'), 'no-cache')
  }
  t.equal((await client.head('/assets/users/42', { headers: navigation })).status, 200)
  t.equal((await client.post('/assets/users/42', { headers: navigation })).status, 405)
  t.equal(await (await client.get('/assets/.env', { headers: navigation })).text(), '<h1>Home</h1>')
})

t.test('a fallback that has gone, or leads out, is 404', async t => {
  const root = join(t.testdir(SITE), 'public')
  symlinkSync('../secret.txt', join(root, 'out.html'))
  const app = new Application()
  app.static('/', root, { fallback: 'out.html' })
  const client = await testClient(t, app, { headers: { accept: 'text/html' } })

  t.equal((await client.get('/users')).status, 404)
})

t.test('a fallback may be a handler, for whatever is missing', async t => {
  const { app } = assets(t, { fallback: ({ params }) => text(`made ${params['*']}`) })
  const client = await testClient(t, app)

  t.equal(await (await client.get('/assets/x/y')).text(), 'made x/y')
  t.equal(await (await client.get('/assets/app.css')).text(), 'body {}')
})
