import { execFileSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { testClient } from '@allium/testing'
import t from 'tap'

import { assets } from './site.ts'

t.test('a list of a directory escapes every name, and shows what may be served only (P27)', async t => {
  const { app, root } = assets(t, { listing: true })
  const images = join(root, 'images')
  for (const name of ['<b>&"\'.txt', 'javascript:alert(1)', 'ü #?%.txt', '.hidden', 'back\\slash']) {
    writeFileSync(join(images, name), 'x')
  }
  symlinkSync('../../secret.txt', join(images, 'secret.txt'))
  symlinkSync('logo.svg', join(images, 'also.svg'))
  symlinkSync('../docs', join(images, 'docs'))
  execFileSync('mkfifo', [join(images, 'pipe')])
  const client = await testClient(t, app)

  const response = await client.get('/assets/images/')

  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(response.headers.get('x-content-type-options'), 'nosniff')
  t.match(response.headers.get('content-security-policy'), /default-src 'none'/)
  const page = await response.text()
  t.match(page, '<h1>/assets/images/</h1>')
  t.strictSame(page.match(/<li>.*/g), [
    '<li><a href="../">../</a>',
    '<li><a href="%3Cb%3E%26%22&#39;.txt">&lt;b&gt;&amp;&quot;&#39;.txt</a>',
    '<li><a href="also.svg">also.svg</a>',
    '<li><a href="docs/">docs/</a>',
    '<li><a href="javascript%3Aalert(1)">javascript:alert(1)</a>',
    '<li><a href="logo.svg">logo.svg</a>',
    '<li><a href="%C3%BC%20%23%3F%25.txt">ü #?%.txt</a>',
  ])
  t.equal((await client.get('/assets/images/%C3%BC%20%23%3F%25.txt')).status, 200)
})

t.test('a list stands where there is no index, behind a slash, and not above the directory', async t => {
  const client = await testClient(t, assets(t, { listing: true, index: ['none.html'] }).app)

  t.equal((await client.get('/assets/images')).headers.get('location'), '/assets/images/')
  t.notMatch(await (await client.get('/assets/')).text(), '../')
  t.equal((await client.get('/assets/.well-known/')).status, 404)
})

t.test('a list ends after a thousand entries', async t => {
  const { app, root } = assets(t, { listing: true })
  for (let i = 0; i < 1002; i++) writeFileSync(join(root, 'images', `${i}.txt`), '')
  const client = await testClient(t, app)

  const page = await (await client.get('/assets/images/')).text()

  t.equal(page.split('<li>').length - 1, 1002, 'way up, 1000 entries, remark')
  t.match(page, '<li>3 more')
})
