import { execFileSync } from 'node:child_process'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { Application, get, staticFiles, text } from '@allium/core'
import type { StaticOptions } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { assets, SITE, statusOf } from './site.ts'
import { overEachTransport } from './transports.ts'

overEachTransport('static files', (t, transport) => {
  t.test('are served below their prefix, whatever their names', async t => {
    const client = await testClient(t, assets(t).app, { transport })
    const table: [string, string, string][] = [
      ['/assets/app.css', 'text/css; charset=utf-8', 'body {}'],
      ['/assets/docs/page.html', 'text/html; charset=utf-8', '<h1>Page</h1>'],
      ['/assets/a%20b&%C3%BC.txt', 'text/plain; charset=utf-8', 'odd name'],
      ['/assets/%61pp.css', 'text/css; charset=utf-8', 'body {}'],
    ]

    for (const [path, type, body] of table) {
      const response = await client.get(path)
      t.equal(response.status, 200, path)
      t.equal(response.headers.get('content-type'), type)
      t.equal(response.headers.get('x-content-type-options'), 'nosniff')
      t.equal(response.headers.get('cache-control'), 'no-cache')
      t.equal(await response.text(), body)
    }
  })

  t.test('answer conditions and ranges as files do', async t => {
    const client = await testClient(t, assets(t).app, { transport })
    const etag = (await client.head('/assets/app.css')).headers.get('etag')!

    t.equal((await client.get('/assets/app.css', { headers: { 'if-none-match': etag } })).status, 304)
    const part = await client.get('/assets/app.css', { headers: { range: 'bytes=0-3' } })
    t.equal(part.status, 206)
    t.equal(await part.text(), 'body')
  })

  t.test('are there for GET and HEAD only, and 405 passes the middlewares', async t => {
    const { app } = assets(t)
    app.use(async (request, next) => {
      const response = await next(request)
      response.headers.set('x-passed', 'yes')
      return response
    })
    const client = await testClient(t, app, { transport })

    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await client.request(method, '/assets/app.css')
      t.equal(response.status, 405)
      t.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS')
      t.equal(response.headers.get('x-passed'), 'yes')
    }
  })

  t.test('never lead out of their directory (P8, P26)', async t => {
    const { app, root } = assets(t)
    symlinkSync('../secret.txt', join(root, 'link.txt'))
    symlinkSync('..', join(root, 'up'))
    const client = await testClient(t, app, { transport })
    const targets = ['../secret.txt', '%2e%2e/secret.txt', '..%2fsecret.txt', 'docs/../../secret.txt']
    targets.push('.%2e/secret.txt', '%2e%2e%2fsecret.txt', '..%5csecret.txt', 'docs%2f..%2f..%2fsecret.txt')
    targets.push(
      'link.txt',
      'up/secret.txt',
      '/secret.txt',
      '//etc/passwd',
      '%2fetc%2fpasswd',
      'docs//page.html',
    )
    targets.push('./app.css', 'docs/./page.html', 'docs%2fpage.html', 'app.css/', 'app.css%2f', 'app.css%20')
    targets.push('%252e%252e/secret.txt', '..;/secret.txt', 'c:/secret.txt', 'app.css%3a%3a$DATA', 'APP.CSS')

    for (const target of targets) t.equal(await statusOf(client, `/assets/${target}`), 404, target)
    for (const target of [
      '%00',
      'app.css%00.html',
      '%c0%ae%c0%ae/secret.txt',
      '%ff',
      '..\\secret.txt',
      '%',
    ]) {
      t.equal(await statusOf(client, `/assets/${target}`), 400, target)
    }
    t.equal(await statusOf(client, '/assets%2fapp.css'), 404)
  })

  t.test('redirect a directory to its slash, on the same site (P18)', async t => {
    const client = await testClient(t, assets(t).app, { transport })

    const response = await client.get('/assets/docs?a=1&b=//x')
    t.equal(response.status, 308)
    t.equal(response.headers.get('location'), '/assets/docs/?a=1&b=//x')
    t.equal(await (await client.get('/assets/docs', { follow: true })).text(), '<h1>Docs</h1>')
    t.equal((await client.get('/assets')).headers.get('location'), '/assets/')
    t.equal(await (await client.get('/assets/')).text(), '<h1>Home</h1>')
  })
})

t.test('a site at the root leaves other routes alone, and redirects nowhere else (P18)', async t => {
  const root = t.testdir({ 'index.html': 'home', 'evil.com': { 'index.html': 'sub' }, 'a.txt': 'A' })
  const app = new Application()
  app.static('/', root)
  app.get('/api', () => text('api'))
  const client = await testClient(t, app)

  t.equal(await (await client.get('/')).text(), 'home')
  t.equal(await (await client.get('/a.txt')).text(), 'A')
  t.equal(await (await client.get('/api')).text(), 'api')
  t.equal((await client.get('/evil.com')).headers.get('location'), '/evil.com/')
  for (const target of ['//evil.com', '//evil.com/', '///evil.com', '//']) {
    t.equal(await statusOf(client, target), 404, target)
  }
})

t.test('what a route answers itself comes before the site', async t => {
  const root = t.testdir({ 'index.html': 'home' })
  const app = new Application()
  app.get('/', () => text('handler'))
  app.static('/', root)
  const client = await testClient(t, app)

  t.equal(await (await client.get('/')).text(), 'handler')
})

t.test('hidden, missing, forbidden and unfit look the same (P26)', async t => {
  const { app, root } = assets(t)
  execFileSync('mkfifo', [join(root, 'pipe')])
  symlinkSync('/dev/zero', join(root, 'device'))
  writeFileSync(join(root, 'private.txt'), 'x')
  chmodSync(join(root, 'private.txt'), 0)
  const client = await testClient(t, app)
  const paths = [
    'none',
    '.env',
    '.well-known/security.txt',
    'images/',
    'images',
    'pipe',
    'device',
    'app.css/x',
  ]
  if (process.getuid?.() !== 0) paths.push('private.txt')

  const answers = new Set<string>()
  for (const path of paths) {
    const response = await client.get(`/assets/${path}`)
    t.equal(response.status, 404, path)
    const fields = [...response.headers].filter(([name]) => name !== 'date')
    answers.add(JSON.stringify([fields, await response.text()]))
  }
  t.equal(answers.size, 1)
})

t.test('dot files are served when they are allowed, the ways up never', async t => {
  const some = await testClient(t, assets(t, { dotFiles: ['.well-known'] }).app)
  const all = await testClient(t, assets(t, { dotFiles: true }).app)

  t.equal((await some.get('/assets/.well-known/security.txt')).status, 200)
  t.equal((await some.get('/assets/.env')).status, 404)
  t.equal((await all.get('/assets/.env')).status, 200)
  t.equal(await statusOf(all, '/assets/../secret.txt'), 404)
})

t.test('symlinks lead out when that is wanted dangerously', async t => {
  const { app, root } = assets(t, { dangerouslyFollowSymlinks: true })
  symlinkSync('../secret.txt', join(root, 'link.txt'))
  const client = await testClient(t, app)

  t.equal(await (await client.get('/assets/link.txt')).text(), 'secret')
  t.equal(await statusOf(client, '/assets/../secret.txt'), 404)
})

t.test('symlinks within the directory are followed', async t => {
  const { app, root } = assets(t)
  symlinkSync('docs', join(root, 'manual'))
  const client = await testClient(t, app)

  t.equal(await (await client.get('/assets/manual/')).text(), '<h1>Docs</h1>')
  t.equal((await client.get('/assets/manual/page.html')).status, 200)
})

t.test('an index that leads out of the directory is none (P26)', async t => {
  const { app, root } = assets(t)
  symlinkSync('../../secret.txt', join(root, 'images', 'index.html'))
  const client = await testClient(t, app)

  t.equal((await client.get('/assets/images/')).status, 404)
})

t.test('the index is the first of its names that is there, or none', async t => {
  const several = await testClient(t, assets(t, { index: ['default.htm', 'logo.svg', 'index.html'] }).app)
  const none = await testClient(t, assets(t, { index: [] }).app)

  t.equal(await (await several.get('/assets/images/')).text(), '<svg/>')
  t.equal(await (await several.get('/assets/docs/')).text(), '<h1>Docs</h1>')
  t.equal((await none.get('/assets/docs/')).status, 404)
})

t.test('compressed siblings are sent to who accepts them', async t => {
  const client = await testClient(t, assets(t, { precompressed: true }).app)

  const response = await client.get('/assets/app.css', { headers: { 'accept-encoding': 'br, gzip' } })

  t.equal(response.headers.get('content-encoding'), 'gzip')
  t.equal(response.headers.get('content-type'), 'text/css; charset=utf-8')
  t.equal(response.headers.get('vary'), 'Accept-Encoding')
  t.equal(await response.text(), 'compressed')
})

t.test('caching and further fields are up to the options', async t => {
  const table: [StaticOptions, string][] = [
    [{ maxAge: 60 }, 'max-age=60'],
    [{ immutable: true }, 'max-age=31536000, immutable'],
    [{ cacheControl: 'private' }, 'private'],
    [{ setHeaders: (headers, path) => headers.set('cache-control', path) }, 'docs/index.html'],
  ]
  for (const [options, expected] of table) {
    const client = await testClient(t, assets(t, options).app)
    t.equal((await client.get('/assets/docs/')).headers.get('cache-control'), expected)
  }
  const options = { headers: { 'x-a': '1' }, download: true, etag: false, lastModified: false }
  const { headers } = await (await testClient(t, assets(t, options).app)).get('/assets/app.css')
  t.equal(headers.get('x-a'), '1')
  t.equal(headers.get('content-disposition'), 'attachment; filename="app.css"')
  t.equal(headers.get('etag'), null)
  t.equal(headers.get('last-modified'), null)
})

t.test('routing options are those of a route', async t => {
  const app = new Application()
  app.static('/assets/', join(t.testdir(SITE), 'public'), {
    name: 'assets',
    middlewares: [() => text('guarded')],
  })
  const client = await testClient(t, app)

  t.equal(app.url('assets', { '*': 'app.css' }), '/assets/app.css')
  t.equal(await (await client.get('/assets/app.css')).text(), 'guarded')
  t.equal(await (await client.get('/assets')).text(), 'guarded')
})

t.test('a sub-application may be nothing but files, at its bare prefix too', async t => {
  const sub = new Application()
  sub.static('/', join(t.testdir(SITE), 'public'))
  const app = new Application()
  app.mount('/docs', sub)
  const client = await testClient(t, app)

  t.equal((await client.get('/docs')).headers.get('location'), '/docs/')
  t.equal(await (await client.get('/docs/')).text(), '<h1>Home</h1>')
  t.equal((await client.get('/docs/docs')).headers.get('location'), '/docs/docs/')
  t.equal(await (await client.get('/docs/docs/page.html')).text(), '<h1>Page</h1>')
})

t.test('routes of files can be data', async t => {
  const root = pathToFileURL(join(t.testdir(SITE), 'public'))
  const app = new Application()
  app.addRoutes([get('/', () => text('home')), ...staticFiles('/assets', root)])
  const client = await testClient(t, app)

  t.equal(await (await client.get('/assets/app.css')).text(), 'body {}')
  t.equal((await client.get('/assets')).headers.get('location'), '/assets/')
})

t.test('what cannot be served is told when it is registered', async t => {
  const app = new Application()
  const dir = t.testdir(SITE)

  t.throws(
    () => app.static('/a', join(dir, 'none')),
    /Cannot serve files from ".*none": it is not a directory/,
  )
  t.throws(() => app.static('/a', join(dir, 'secret.txt')), /not a directory/)
  t.throws(() => app.static('/a', dir, { fallback: 'none.html' }), /Cannot fall back to "none\.html"/)
  t.throws(() => app.static('/a', dir, { maxAge: 1, cacheControl: 'x' }), /contradicts/)
  for (const prefix of ['', 'a', '/:a', '/a/*', '//', '/a//b']) {
    t.throws(() => app.static(prefix, dir), /Cannot serve files at/, prefix)
  }
  app.static('/a', dir)
  t.throws(() => app.static('/a', dir), /\/a\/\*/)
})
