import { Application, text } from '@allium/core'
import type { Middleware } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

t.test('Application', async t => {
  t.test('is the current application inside its mount only', async t => {
    const seen: string[] = []
    const app = new Application({ name: 'outer' })
    const inner = new Application({ name: 'inner' })
    app.use(async (request, next) => {
      seen.push(request.app.name)
      const response = await next(request)
      seen.push(request.app.name)
      return response
    })
    inner.get('/sync', ({ app }) => text(app.name))
    inner.get('/async', async ({ app }) => text(app.name))
    app.mount('/inner', inner)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/inner/sync')).text(), 'inner')
    t.equal(await (await client.get('/inner/async')).text(), 'inner')
    t.strictSame(seen, ['outer', 'outer', 'outer', 'outer'])
  })

  t.test(
    'matches a mount by whole segments, and answers its root with and without the slash (P10)',
    async t => {
      const app = new Application()
      const admin = new Application()
      admin.get('/', () => text('root'))
      admin.onError(404, () => text('admin 404', { status: 404 }))
      app.mount('/admin', admin)
      const client = await testClient(t, app)
      const bodyOf = async (path: string) => (await client.get(path)).text()

      t.equal(await bodyOf('/admin'), 'root')
      t.equal(await bodyOf('/admin/'), 'root')
      t.equal(await bodyOf('/admin/x'), 'admin 404')
      t.equal(await bodyOf('/administrator'), '404: Not Found\n')
    },
  )

  t.test('keeps the bare prefix for a route of the empty path', async t => {
    const app = new Application()
    const admin = new Application()
    admin.get('', () => text('bare'))
    admin.get('/', () => text('slash'))
    app.mount('/admin', admin)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/admin')).text(), 'bare')
    t.equal(await (await client.get('/admin/')).text(), 'slash')
  })

  t.test('lets the most specific route win across mounts', async t => {
    const app = new Application()
    const inner = new Application()
    app.get('/a/*', () => text('wildcard of the outer'))
    inner.get('/:id', () => text('param of the inner'))
    app.mount('/a', inner)
    const client = await testClient(t, app)

    t.equal(await (await client.get('/a/1')).text(), 'param of the inner')
    t.equal(await (await client.get('/a/1/2')).text(), 'wildcard of the outer')
  })

  t.test('serves a host by its own application, without falling back (P10)', async t => {
    const app = new Application()
    const api = new Application()
    app.get('/home', () => text('home'))
    api.get('/users', () => text('users'))
    app.mountHost('API.example.com', api)
    const client = await testClient(t, app)
    const ask = async (path: string, host: string) => (await client.get(path, { headers: { host } })).status

    t.equal(await ask('/users', 'api.EXAMPLE.com:8080'), 200)
    t.equal(await ask('/home', 'api.example.com'), 404)
    t.equal(await ask('/home', 'example.com'), 200)
  })

  t.test('refuses what cannot be mounted or used', async t => {
    const app = new Application()
    const inner = new Application()
    app.mount('/a', inner)

    t.throws(() => app.mount('/b', inner), { code: 'ERR_APP_MOUNTED' })
    t.throws(() => app.mount('/c', app), { code: 'ERR_APP_MOUNTED' })
    t.throws(() => app.mount('c', new Application()), TypeError)
    t.throws(() => app.mount('/:id', new Application()), TypeError)
    t.throws(() => app.use('/x' as unknown as Middleware), { code: 'ERR_MIDDLEWARE_ARGUMENT' })
    t.throws(() => app.use({} as unknown as Middleware), { code: 'ERR_MIDDLEWARE_ARGUMENT' })
    t.throws(() => app.onError(200, () => text('')), RangeError)
    t.throws(() => new Application({ bodyLimit: 0 }), RangeError)
    await t.rejects(inner.startup(), { code: 'ERR_APP_MOUNTED' })
  })

  t.test('refuses to mount what was started by itself', async t => {
    const started = new Application()
    await started.startup()
    await started.cleanup()

    t.throws(() => new Application().mount('/a', started), /it was started by itself/)
  })
})

t.test('a mounted wildcard answers the bare prefix as its slash, unless another route does', async t => {
  const wild = new Application()
  wild.get('/*', ({ params }) => text(`wild "${params['*']}"`))
  const both = new Application()
  both.get('/*', () => text('wild'))
  both.get('/', () => text('home'))
  const mixed = new Application()
  mixed.get('/*', () => text('wild'))
  mixed.post('/', () => text('posted'))
  const app = new Application()
  app.mount('/wild', wild)
  app.mount('/both', both)
  app.mount('/mixed', mixed)
  const client = await testClient(t, app)

  t.equal(await (await client.get('/wild')).text(), 'wild ""')
  t.equal(await (await client.get('/wild/')).text(), 'wild ""')
  t.equal(await (await client.get('/both')).text(), 'home')
  t.equal(await (await client.get('/mixed')).text(), 'wild')
  t.equal(await (await client.post('/mixed')).text(), 'posted')
})
