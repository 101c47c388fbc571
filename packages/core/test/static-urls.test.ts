import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Application } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { SITE } from './site.ts'

t.test('the URL of a file is encoded, mount prefixes included', async t => {
  const sub = new Application()
  const files = sub.static('/files', join(t.testdir(SITE), 'public'))
  const app = new Application()
  app.mount('/sub', sub)
  const client = await testClient(t, app)

  t.equal(files.url('docs/page.html'), '/sub/files/docs/page.html')
  t.equal(await (await client.get(files.url('a b&ü.txt'))).text(), 'odd name')
  t.throws(() => files.url('../secret.txt'), TypeError)
})

t.test('a URL with the hash of the content may be kept for ever, until the content is another', async t => {
  const root = join(t.testdir(SITE), 'public')
  const app = new Application()
  const files = app.static('/assets', root, { maxAge: 60, precompressed: true })
  const client = await testClient(t, app)
  const cachingOf = async (url: string) => (await client.get(url)).headers.get('cache-control')

  const url = await files.hashedUrl('app.css')
  t.match(url, /^\/assets\/app\.css\?v=[\w-]{20}$/)
  t.equal(await cachingOf(url), 'max-age=31536000, immutable')
  t.equal(await cachingOf('/assets/app.css'), 'max-age=60')
  t.equal(await cachingOf('/assets/app.css?v=x'), 'max-age=60')

  writeFileSync(join(root, 'app.css'), 'body { color: red }')
  t.equal(await cachingOf(url), 'max-age=60')
  t.not(await files.hashedUrl('app.css'), url)
})

t.test('there is no hash of what is not there', async t => {
  const files = new Application().static('/assets', join(t.testdir(SITE), 'public'))

  await t.rejects(files.hashedUrl('none.css'), /Cannot make the URL of "none\.css": there is no such file/)
  await t.rejects(files.hashedUrl('docs'), /no such file/)
  await t.rejects(files.hashedUrl('../secret.txt'), /no such file/)
})
